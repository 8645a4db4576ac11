"""Where the real scheduler puts the pods of models on GPU nodes that exist as objects only."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.resources.policy_v1 import PodDisruptionBudget

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fake_nodes import FakeNode, cordon, fake_nodes
from tests.kubernetes.fixtures import names
from tests.kubernetes.placed import Labels, kept, placed, unplaced, workloads
from tests.kubernetes.placement_stack import NAMESPACE, PlacementStack
from tests.kubernetes.waiting import until

pytestmark = pytest.mark.docker
MODEL = "smollm2-135m-instruct"
TAINTED = ({"key": "sku", "value": "gpu", "effect": "NoSchedule"},)
SMALL = {"slm-kit.pool": "small"}
NODES = (
    FakeNode("slm-work", {}),
    FakeNode("slm-small-1", SMALL, gpus=2, taints=TAINTED),
    FakeNode("slm-small-2", SMALL, gpus=2, taints=TAINTED),
    FakeNode("slm-wide", {"slm-kit.pool": "wide"}, gpus=2, taints=TAINTED),
)
POOLS: list[dict[str, Any]] = [
    {"name": "small", "gpu": "l4", "gpusPerNode": 2, "maxNodes": 2},
    {"name": "wide", "gpu": "a100-80", "gpusPerNode": 2},
]
CHAT: dict[str, Any] = {
    "name": "chat", "model": MODEL, "engine": "vllm", "contextLength": 1024, "concurrency": 2,
    "scaling": {"minReplicas": 2, "maxReplicas": 2},
}  # fmt: skip
WIDE = {"name": "qwen3-14b", "engine": "ollama", "gpus": 2, "pool": "wide"}
ON_PROCESSORS = {"name": "tiny", "model": MODEL, "engine": "onnx"}


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlacementStack]:
    """Models on pools, with a store that several nodes mount; gone with its namespace afterwards."""
    if not cluster.node:
        pytest.skip(
            "nodes are made up on a cluster of the tests' own only: its real node takes no pod meanwhile"
        )
    made = PlacementStack(cluster, tmp_path_factory.mktemp("placement"))
    made.write("ReadWriteMany", [CHAT, WIDE, ON_PROCESSORS], POOLS)
    with fake_nodes(cluster, NODES):
        made.must("up")
        yield made
        made.must("down")
        cluster.client.delete(Namespace, NAMESPACE)
        until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))


@pytest.mark.usefixtures("stack")
def test_each_model_is_on_a_node_of_its_pool_and_nothing_else_is(
    cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    nodes = {workload: set(placed(cluster, workload).values()) for workload in workloads(cluster)}
    assert nodes.pop("chat") == {"slm-small-1", "slm-small-2"}, "replicas are on as many nodes as there are"
    assert nodes.pop("qwen3-14b") == {"slm-wide"}
    assert nodes.keys() == {"gateway", "tiny"}
    assert set().union(*nodes.values()) == {"slm-work"}, "taints keep what needs no GPU away"
    record_property(
        "shown", "GPU pods placed: chat on slm-small-1 and -2, qwen3-14b on slm-wide, no other there"
    )


@pytest.mark.usefixtures("stack")
def test_the_device_plugin_is_on_every_gpu_node_and_no_other(cluster: Cluster) -> None:
    found = cluster.client.list(Pod, namespace="*", labels={"slm-kit.gpu-part": "device-plugin"})
    assert sorted(str(pod.spec.nodeName) for pod in found if pod.spec) == [
        "slm-small-1", "slm-small-2", "slm-wide",
    ]  # fmt: skip


def test_a_second_up_changes_nothing(stack: PlacementStack) -> None:
    assert "unchanged" in (said := stack.must("up"))
    assert not any(word in said for word in ("created", "updated", "replaced")), said


@pytest.mark.usefixtures("stack")
def test_replicas_beyond_the_pools_gpus_wait_and_say_why(cluster: Cluster) -> None:
    with scaled(cluster, "chat", 5, after=2):
        waiting = until("one waits", lambda: unplaced(cluster, "chat"))
        assert len(placed(cluster, "chat")) == 5
        ((reason, message),) = waiting.values()
        assert reason == "Unschedulable"
        assert "Insufficient nvidia.com/gpu" in message
        assert set(placed(cluster, "chat").values()) == {"slm-small-1", "slm-small-2", None}


@pytest.mark.usefixtures("stack")
def test_a_pod_without_gpus_waits_rather_than_go_to_a_gpu_node(cluster: Cluster) -> None:
    with without_room(cluster, "slm-work"), scaled(cluster, "tiny", 2, after=1):
        waiting = until("one waits", lambda: unplaced(cluster, "tiny"))
        ((_, message),) = waiting.values()
        assert "untolerated taint" in message


@pytest.mark.usefixtures("stack")
def test_maintenance_takes_one_replica_at_a_time(cluster: Cluster) -> None:
    (budget,) = budgets(cluster)
    assert budget.spec
    assert budget.spec.maxUnavailable == 1
    until("both count", lambda: allowed(cluster) == 1)
    # A node that may take no more pods: the replacement has to wait, and with it the next eviction.
    first, second = sorted(placed(cluster, "chat"))
    with without_room(cluster, "slm-small-1", "slm-small-2"):
        cluster.client.create(eviction(first), first, namespace=NAMESPACE)
        until("it is gone", lambda: first not in placed(cluster, "chat"))
        until("it is missed", lambda: allowed(cluster) == 0)
        with pytest.raises(ApiError) as refused:
            cluster.client.create(eviction(second), second, namespace=NAMESPACE)
        assert refused.value.status.code == 429
    until("two again", lambda: allowed(cluster) == 1)


def test_a_store_of_one_node_keeps_its_readers_on_one_node_and_is_another_claim(
    cluster: Cluster, stack: PlacementStack
) -> None:
    (before,) = kept(cluster)
    stack.write("ReadWriteOnce", [CHAT], POOLS)
    stack.must("up")
    assert len(placed(cluster, "chat")) == 2
    (node,) = set(placed(cluster, "chat").values())
    assert node in ("slm-small-1", "slm-small-2")
    jobs = {name: found for name in workloads(cluster, jobs=True) for found in placed(cluster, name).values()}
    assert set(jobs.values()) <= {"slm-small-1", "slm-small-2"}, "the store is written where it is read"
    assert kept(cluster) > {before}, "the former claim stays, with the models in it"


def test_a_node_with_all_readers_of_its_store_can_be_drained(cluster: Cluster, stack: PlacementStack) -> None:
    stack.write("ReadWriteOnce", [CHAT], POOLS)
    stack.must("up")
    (node,) = set(placed(cluster, "chat").values())
    (other,) = {"slm-small-1", "slm-small-2"} - {node}
    with without_room(cluster, str(node)):
        for pod in sorted(placed(cluster, "chat")):
            cluster.client.create(eviction(pod), pod, namespace=NAMESPACE)
        until("both on the other", lambda: [*placed(cluster, "chat").values()] == [other, other])


def budgets(cluster: Cluster) -> list[PodDisruptionBudget]:
    return list(cluster.client.list(PodDisruptionBudget, namespace=NAMESPACE))


def allowed(cluster: Cluster) -> int | None:
    """Pods that may go now."""
    (budget,) = budgets(cluster)
    return budget.status.disruptionsAllowed if budget.status else None


def eviction(pod: str) -> Any:
    """As `kubectl drain` asks for it."""
    return Pod.Eviction(metadata=ObjectMeta(name=pod, namespace=NAMESPACE))


@contextlib.contextmanager
def scaled(cluster: Cluster, workload: str, replicas: int, after: int) -> Iterator[None]:
    """So many replicas, as an autoscaler would ask for; then `after`, as before."""
    labels: Labels = {"slm-kit.workload": workload}
    (name,) = names(cluster.client.list(Deployment, namespace=NAMESPACE, labels=labels))

    def want(count: int) -> None:
        cluster.client.patch(Deployment, name, {"spec": {"replicas": count}}, namespace=NAMESPACE)

    want(replicas)
    try:
        yield
    finally:
        want(after)
    until("as before", lambda: len(placed(cluster, workload)) == after)


@contextlib.contextmanager
def without_room(cluster: Cluster, *nodes: str) -> Iterator[None]:
    """The nodes keep what they have and take no more."""
    cordon(cluster.client, nodes, cordoned=True)
    try:
        yield
    finally:
        cordon(cluster.client, nodes, cordoned=False)
