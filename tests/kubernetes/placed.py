"""Where the pods of the placement stack are."""

from collections.abc import Iterable
from typing import Any

from lightkube.operators import Operator, not_equal
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.placement_stack import NAMESPACE

Labels = dict[str, str | Operator[Any] | Iterable[Any] | None]
NOT_A_JOB = not_equal("job")
Placed = dict[str, str | None]


def workloads(cluster: Cluster, *, jobs: bool = False) -> set[str]:
    """Those that have pods."""
    roles: Labels = {"slm-kit.role": "job"} if jobs else {"slm-kit.role": NOT_A_JOB}
    found = cluster.client.list(Pod, namespace=NAMESPACE, labels=roles)
    return {pod.metadata.labels["slm-kit.workload"] for pod in found if pod.metadata and pod.metadata.labels}


def placed(cluster: Cluster, workload: str) -> Placed:
    """Node by pod; None where the scheduler has found none."""
    found = cluster.client.list(Pod, namespace=NAMESPACE, labels={"slm-kit.workload": workload})
    return {str(pod.metadata.name): pod.spec.nodeName for pod in found if pod.metadata and pod.spec}


def unplaced(cluster: Cluster, workload: str) -> dict[str, tuple[str, str]]:
    """Reason and message by pod that the scheduler has tried to place, and could not."""
    found = cluster.client.list(Pod, namespace=NAMESPACE, labels={"slm-kit.workload": workload})
    return {
        str(pod.metadata.name): (str(each.reason), str(each.message))
        for pod in found
        if pod.metadata and pod.status
        for each in pod.status.conditions or ()
        if each.type == "PodScheduled" and each.status == "False"
    }


def kept(cluster: Cluster) -> set[str]:
    """Claims that outlive the stack."""
    claims = names(cluster.client.list(PersistentVolumeClaim, namespace=NAMESPACE))
    return {name for name in claims if name.startswith("slm-kit-")}
