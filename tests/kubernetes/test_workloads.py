"""The workload layer on a real cluster: a pod answers through the gateway; what people see when it goes."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from lightkube.operators import Operator
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod

from tests.kubernetes.asker import Asker, asking
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import MODEL, NAME, NAMESPACE, TAG, WorkloadStack

pytestmark = pytest.mark.docker
Record = Callable[[str, object], None]
Labels = dict[str, str | Operator[Any] | Iterable[Any] | None]
WORKERS = 2
ENGINE: Labels = {"slm-kit.workload": MODEL}


@pytest.fixture(scope="module")
def asker(cluster: Cluster, stack: WorkloadStack) -> Iterator[Asker]:
    """A client that asks all the time."""
    url = "http://gateway-published:8080/v1/chat/completions"
    image = f"slm-kit/onnx-server:{TAG}"
    with asking(
        cluster, NAMESPACE, key=stack.key, stack=NAME, image=image, url=url, model=MODEL, workers=str(WORKERS)
    ) as made:
        yield made


@pytest.fixture
def since(asker: Asker) -> float:
    """Now, with the model answering."""
    asker.answered(time.time(), 5)
    return time.time()


def test_a_pod_answers_through_the_gateway(asker: Asker, record_property: Record) -> None:
    text = asker.answered(0)[-1]["text"]
    assert "Paris" in text
    record_property("shown", f"a pod answers through the gateway: {text.strip()!r}")


def test_a_second_up_changes_nothing_and_no_key_is_in_clear(cluster: Cluster, stack: WorkloadStack) -> None:
    said = stack.must("up")
    assert re.search(r"Resources: \d+ unchanged$", said, re.MULTILINE), said
    maps = cluster.client.list(ConfigMap, namespace=NAMESPACE)
    pods = cluster.client.list(Pod, namespace=NAMESPACE)
    for text in (said, stack.state, *map(str, maps), *map(str, pods)):
        assert stack.key not in text


def test_a_rolling_update_loses_no_request(
    cluster: Cluster, asker: Asker, since: float, record_property: Record
) -> None:
    before = _pods(cluster)
    annotation = {"metadata": {"annotations": {"test/rolled": "once"}}}
    cluster.client.patch(
        Deployment, _engine(cluster), {"spec": {"template": annotation}}, namespace=NAMESPACE
    )
    until("other pods", lambda: not before & _pods(cluster) and _pods(cluster), 180)
    told = asker.answered(time.time(), 5) and asker.told(since)
    answered = sum(each["status"] == 200 for each in told)
    record_property("shown", f"rolling update under load: {answered} of {len(told)} requests answered")
    assert {each["status"] for each in told} == {200}


def test_a_killed_engine_loses_what_was_in_flight_and_the_rest_is_told_when_to_retry(
    cluster: Cluster, asker: Asker, since: float, record_property: Record
) -> None:
    (pod,) = _pods(cluster)
    cluster.client.delete(Pod, pod, namespace=NAMESPACE, grace_period=0)
    until("another pod", lambda: _pods(cluster) - {pod}, 180)
    asker.answered(time.time(), 5)
    told = asker.told(since)
    failed = [each for each in told if each["status"] != 200]
    assert {each["status"] for each in failed} <= {503}, failed
    lost = [each for each in failed if each["code"] == "engine_failed"]
    text = f"{len(lost)} of {len(told)} requests lost, {len(failed) - len(lost)} told when to retry"
    record_property("shown", f"engine killed under load of {WORKERS} clients: {text}")
    assert len(lost) <= WORKERS, "only what was in flight"
    assert all(each["retry"] for each in failed)


def test_a_model_at_zero_replicas_wakes_and_no_request_is_lost_unheard(
    cluster: Cluster, asker: Asker, since: float, record_property: Record
) -> None:
    _scale(cluster, 0)
    until("no pod", lambda: not _pods(cluster), 120)
    held = until("somebody is told to wait", lambda: [e for e in asker.told(since) if e["status"] != 200])
    assert {(each["status"], each["code"]) for each in held} == {(503, "model_starting")}
    assert all(each["retry"] for each in held)
    # As KEDA does once there is demand.
    woken = time.time()
    _scale(cluster, 1)
    asker.answered(woken, 5)
    told = asker.told(since)
    first = next(each for each in told if each["at"] > woken and each["status"] == 200)
    took = first["at"] + first["seconds"] - woken
    waited = sum(each["status"] == 503 for each in told)
    record_property("shown", f"from zero replicas to an answer: {took:.0f} s, {waited} times told to retry")
    assert {each["status"] for each in told} == {200, 503}


def _engine(cluster: Cluster) -> str:
    (found,) = names(cluster.client.list(Deployment, namespace=NAMESPACE, labels=ENGINE))
    return found


def _pods(cluster: Cluster) -> set[str]:
    return names(cluster.client.list(Pod, namespace=NAMESPACE, labels=ENGINE))


def _scale(cluster: Cluster, replicas: int) -> None:
    cluster.client.patch(Deployment, _engine(cluster), {"spec": {"replicas": replicas}}, namespace=NAMESPACE)
