"""Scaling by demand on a real cluster: KEDA puts a model away, wakes it, and gives it a second replica."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod

from tests.kubernetes.asker import Asker, asking
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import MODEL, TAG, WorkloadStack

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("keda")]

NAME, NAMESPACE = "test-scaling", "slm-test-scaling"
IDLE_SECONDS = 180
"""The shortest that is taken: the start-up budget of the engine."""
WORKERS = 4
"""Twice what one replica answers at once."""
ScaledObject = create_namespaced_resource("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")


@pytest.fixture(scope="module")
def asleep(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkloadStack]:
    """A stack that is up and whose model has gone to zero since nobody asked."""
    scaling = {"minReplicas": 0, "maxReplicas": 2, "scaleToZeroAfterSeconds": IDLE_SECONDS}
    folder = tmp_path_factory.mktemp("scaling")
    made = WorkloadStack(cluster, folder, NAME, NAMESPACE, watched=True, scaling=scaling)
    try:
        made.must("up")
        begun = time.monotonic()
        until("KEDA asks Prometheus", lambda: _condition(cluster, "Ready") == "True", 180)
        until("no replica", lambda: _replicas(cluster) == 0, IDLE_SECONDS + 240)
        print(f"asleep {time.monotonic() - begun:.0f} s after `up`")
        yield made
    finally:
        made.must("down")
        left = names(cluster.client.list(ScaledObject, namespace=NAMESPACE))
        cluster.client.delete(Namespace, NAMESPACE)
    until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))
    assert not left


@pytest.fixture(scope="module")
def asker(cluster: Cluster, asleep: WorkloadStack) -> Iterator[Asker]:
    """Clients that ask the sleeping model until it answers, and go on."""
    url, image = "http://gateway-published:8080/v1/chat/completions", f"slm-kit/onnx-server:{TAG}"
    values = {"key": asleep.key, "stack": NAME, "image": image, "url": url, "model": MODEL}
    with asking(cluster, NAMESPACE, workers=str(WORKERS), **values) as made:
        yield made


def test_an_up_leaves_a_sleeping_model_asleep(cluster: Cluster, asleep: WorkloadStack) -> None:
    said = asleep.must("up")
    assert re.search(r"Resources: \d+ unchanged$", said, re.MULTILINE), said
    assert _replicas(cluster) == 0
    assert not _engines(cluster)


def test_a_request_for_a_sleeping_model_is_told_when_to_come_back_and_wakes_it(
    asker: Asker,
) -> None:
    told = asker.answered(0, WORKERS)
    first = told[0]
    assert (first["status"], first["code"]) == (503, "model_starting")
    assert int(first["retry"]) > 0
    refused = [each for each in told if each["status"] != 200]
    assert {each["code"] for each in refused} == {"model_starting"}, "nothing is lost unheard"
    woken = next(each for each in told if each["status"] == 200)
    assert "Paris" in woken["text"]
    print(f"answered {woken['at'] + woken['seconds'] - first['at']:.0f} s after the first request")


def test_more_requests_than_one_replica_takes_bring_a_second_one(cluster: Cluster, asker: Asker) -> None:
    begun = time.time()
    until("two replicas", lambda: _replicas(cluster) == 2, 300)
    until("both serve", lambda: len(_engines(cluster)) == 2, 180)
    print(f"two replicas {time.time() - begun:.0f} s later")
    assert {each["status"] for each in asker.told(begun)} == {200}


@pytest.mark.usefixtures("asker")
def test_an_up_leaves_the_count_to_keda(cluster: Cluster, asleep: WorkloadStack) -> None:
    before = _replicas(cluster)
    said = asleep.must("up")
    assert re.search(r"Resources: \d+ unchanged$", said, re.MULTILINE), said
    assert before == 2
    assert _replicas(cluster) == 2


def _deployment(cluster: Cluster) -> Deployment:
    (found,) = cluster.client.list(Deployment, namespace=NAMESPACE, labels={"slm-kit.workload": MODEL})
    return found


def _replicas(cluster: Cluster) -> int | None:
    spec = _deployment(cluster).spec
    return spec.replicas if spec else None


def _engines(cluster: Cluster) -> set[str]:
    return names(cluster.client.list(Pod, namespace=NAMESPACE, labels={"slm-kit.workload": MODEL}))


def _condition(cluster: Cluster, kind: str) -> str | None:
    (scaler,) = cluster.client.list(ScaledObject, namespace=NAMESPACE)
    status: Any = scaler.status
    conditions = status.get("conditions", ()) if status else ()
    return next((str(each["status"]) for each in conditions if each["type"] == kind), None)
