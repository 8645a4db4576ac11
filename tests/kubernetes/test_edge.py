"""Two sites of one edge stack, one away at first: the other is served, the next run completes it."""

import os
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Namespace, PersistentVolumeClaim, Pod, Secret, Service

from stacks.reach import server_of
from tests.kubernetes.asker import asking
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.edge_stack import MODEL, NAME, EdgeStack
from tests.kubernetes.fixtures import names
from tests.kubernetes.relay import Relay, relay_to
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import TAG
from tests.stack.rig import docker

pytestmark = pytest.mark.docker
NAMESPACE = f"slm-{NAME}-plant"
STORE = f"slm-kit-{NAME}-shop--models"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "What is the capital of France?"}]}


@pytest.fixture(scope="module")
def relay(cluster: Cluster) -> Iterator[Relay]:
    """The way to the cluster, closed."""
    host, port = server_of(cluster.kubeconfig, None)
    if host != "127.0.0.1":
        pytest.skip(f"the cluster is at {host}, and its certificate is not this machine's")
    with relay_to(host, port) as made:
        yield made


@pytest.fixture(scope="module")
def stack(cluster: Cluster, relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeStack]:
    """The stack; not up yet. Nothing of it is left afterwards."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if urlsplit(engine).scheme != "unix":
        pytest.skip(f"a site is reached through a socket or ssh, and the Docker engine through {engine}")
    made = EdgeStack(cluster, relay, engine, tmp_path_factory.mktemp("edge"))
    try:
        yield made
    finally:
        made.run("down", "--continue-on-error")
        made.docker.remove_left()
        if NAMESPACE in names(cluster.client.list(Namespace)):
            cluster.client.delete(Namespace, NAMESPACE)
    until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))


def ask(stack: EdgeStack, key: str) -> tuple[int, str]:
    """Status and answer of the Docker site's gateway."""
    answer = stack.docker.post("/chat/completions", {**BODY, "max_tokens": 12, "temperature": 0}, key)
    text = answer.json()["choices"][0]["message"]["content"] if answer.status_code == 200 else ""
    return answer.status_code, text


def ask_plant(cluster: Cluster, stack: EdgeStack) -> str:
    """The answer of the cluster's gateway, from a pod there."""
    url = "http://plant--gateway-published:8080/v1/chat/completions"
    values = {"stack": NAME, "image": f"slm-kit/onnx-server:{TAG}", "url": url, "model": MODEL}
    with asking(cluster, NAMESPACE, key=stack.keys["plant"], workers="1", **values) as made:
        return str(made.answered(0)[-1]["text"])


def test_a_site_that_is_away_is_skipped_and_named_and_the_other_is_served(stack: EdgeStack) -> None:
    begun = time.monotonic()
    done = stack.up()
    assert done.returncode == 5, done.stdout
    assert "site plant cannot be reached (no API server answers at 127.0.0.1:" in done.stdout
    assert "shop is up to date" in done.stdout
    status, text = ask(stack, stack.keys["shop"])
    assert (status, "Paris" in text) == (200, True), text
    assert ask(stack, stack.keys["plant"])[0] == 401, "another site's key"
    assert time.monotonic() - begun < 600


def test_the_next_run_completes_the_site_and_leaves_the_other_as_it_is(
    cluster: Cluster, relay: Relay, stack: EdgeStack
) -> None:
    before = stack.docker.containers()
    relay.open()
    done = stack.up()
    assert done.returncode == 0, done.stdout
    assert "Paris" in ask_plant(cluster, stack)
    assert stack.docker.containers() == before
    again = stack.up()
    assert again.returncode == 0, again.stdout
    assert "unchanged" in again.stdout
    assert "created" not in again.stdout


def test_a_site_that_is_away_again_keeps_what_it_has_and_the_other_is_changed(
    cluster: Cluster, relay: Relay, stack: EdgeStack
) -> None:
    deployments = names(cluster.client.list(Deployment, namespace=NAMESPACE))
    known = stack.state.read_text().count('"plant--')
    relay.close()
    stack.change("shop", keys=[{"id": "shop", "requestsPerMinute": 1}])
    done = stack.up()
    assert done.returncode == 5, done.stdout
    assert "site plant cannot be reached" in done.stdout
    until("the new limit", lambda: {ask(stack, stack.keys["shop"])[0] for _ in range(2)} >= {429})
    assert stack.state.read_text().count('"plant--') == known
    assert names(cluster.client.list(Deployment, namespace=NAMESPACE)) == deployments
    relay.open()
    done = stack.up()
    assert done.returncode == 0, done.stdout


def test_down_goes_as_far_as_it_can_and_leaves_nothing_but_the_models(
    cluster: Cluster, relay: Relay, stack: EdgeStack
) -> None:
    relay.close()
    done = stack.run("down", "--continue-on-error")
    assert done.returncode == 5, done.stdout
    assert not stack.docker.containers()
    relay.open()
    done = stack.run("down", "--continue-on-error")
    assert done.returncode == 0, done.stdout
    kinds = (Service, Secret, Deployment, Job)
    assert not any(names(cluster.client.list(kind, namespace=NAMESPACE)) for kind in kinds)
    until("no pod", lambda: not names(cluster.client.list(Pod, namespace=NAMESPACE)))
    claims = names(cluster.client.list(PersistentVolumeClaim, namespace=NAMESPACE))
    assert claims == {f"slm-kit-{NAME}-plant--models"}
    left = stack.docker.left()
    assert docker("volume", "ls", "-q", "--filter", f"name={STORE}").split() == [STORE]
    assert {kind: len(found) for kind, found in left.items()} == {
        "containers": 0, "networks": 0, "volumes": 1, "images": 0,
    }  # fmt: skip
