"""What a Kubernetes platform refuses before anything is created: pure, no resources."""

from collections.abc import Mapping, Sequence

from catalog.errors import KitError
from components.address_range import check_range
from components.platforms.kubernetes_names import dns_label, service_name
from components.workload import Kind, Update, Workload

CONFIG_BYTES = 1024 * 1024
"""Most that a ConfigMap holds (https://kubernetes.io/docs/concepts/configuration/configmap/)."""


def check_place(namespace: str, ranges: Sequence[str], cpu_share: float) -> None:
    """Refuse what is no namespace of a stack's own, no range and no share. Raises KitError."""
    if namespace != dns_label(namespace) or namespace.startswith("kube-") or namespace in ("", "default"):
        raise KitError(
            f"namespace {namespace!r}",
            "it is closed for all but the stack, and has a to z, 0 to 9 and hyphens, 63 at most",
            "Name one of the stack's own, e.g. slm.",
        )
    for each in ranges:
        check_range(each)
    if not 0 < cpu_share <= 1:
        raise KitError(f"cpu_share {cpu_share}", "it is above 0 and at most 1", "Take 1 to reserve all.")


def check(name: str, workload: Workload) -> None:
    """Refuse what a cluster cannot run. Raises KitError."""
    if workload.user == 0:
        raise KitError(
            f"workload {name} as root",
            "the namespace admits pods of Pod Security level `restricted` only, which run as another user",
            "Leave it out on this target, or use an image that runs as another user.",
        )
    for mount in workload.mounts:
        if mount.host_folder is not None:
            raise KitError(
                f"folder {mount.host_folder} of the host in workload {name}",
                "a pod can be on any node and sees no folder of one",
                "Use a source that can be downloaded, or put the files on a volume.",
            )
    held = sum(len(text.encode()) for text in workload.config_files.values())
    if held > CONFIG_BYTES:
        raise KitError(
            f"{held} bytes of config files of workload {name}",
            f"a ConfigMap holds {CONFIG_BYTES}",
            "Make them smaller; certificate authorities that nothing needs are the usual reason.",
        )
    if workload.alias is not None:
        service_name(workload.alias)


def check_gpus(workloads: Mapping[str, Workload], available: int) -> None:
    """Refuse what `available` GPUs (of all nodes that the workloads may run on) cannot hold. Raises KitError.

    Counted are the replicas of all workloads, and one more of the largest that starts its new replica first:
    without room for it an update would wait forever. It says nothing about GPUs of one node: see check_nodes.
    """
    held = {name: each.resources.gpus * each.replicas for name, each in workloads.items()}
    wanted = sum(held.values())
    names = ", ".join(name for name, gpus in held.items() if gpus)
    if wanted > available:
        raise KitError(
            f"{wanted} GPUs for {names}",
            f"the nodes have {available}",
            f"Add {wanted - available} to the pool, or serve fewer models or replicas on GPUs.",
        )
    surging = _surging(workloads)
    if not surging:
        return
    largest = max(surging, key=lambda name: surging[name])
    if wanted + surging[largest] > available:
        raise KitError(
            f"update {Update.START_FIRST.value} of {largest}",
            f"its new replica needs {surging[largest]} GPUs beside the {wanted} in use;"
            f" the nodes have {available}",
            f"Set its update to {Update.STOP_FIRST.value}, or add"
            f" {wanted + surging[largest] - available} GPUs to the pool.",
        )


def check_nodes(workloads: Mapping[str, Workload], nodes: int, per_node: int) -> None:
    """Refuse what so many nodes with so many GPUs each cannot hold: those of a pod are in one node.

    Counted as in check_gpus, the largest pod first on the first node with room for it. Raises KitError.
    """
    surging = max(_surging(workloads).values(), default=0)
    pods = [each.resources.gpus for each in workloads.values() for _ in range(each.replicas)]
    free = [per_node] * nodes
    for gpus in sorted([*pods, surging], reverse=True):
        room = next((index for index, left in enumerate(free) if left >= gpus), None)
        if room is None:
            raise KitError(
                f"pods of {', '.join(name for name, each in workloads.items() if each.resources.gpus)}",
                f"one of {gpus} GPUs has no room beside the others: {nodes} nodes have {per_node} each",
                "Add a node to the pool, or serve fewer models or replicas on GPUs.",
            )
        free[room] -= gpus


def _surging(workloads: Mapping[str, Workload]) -> dict[str, int]:
    """GPUs of those that start a new replica beside the old ones."""
    return {
        name: each.resources.gpus
        for name, each in workloads.items()
        if each.kind is Kind.SERVICE and each.update is Update.START_FIRST and each.resources.gpus
    }
