"""Which nodes a pod may run on, and beside which others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi_kubernetes import core, meta

from components.gpu_nodes import GPU_TAINT, RESOURCE_TAINT
from components.platforms.kubernetes_names import tolerated

HOSTNAME = "kubernetes.io/hostname"
"""Label of a node that no other node has."""
NO_PLACE = "slm-kit.no-place"
"""Label that no node has."""
GPU_TAINTS = (GPU_TAINT, RESOURCE_TAINT)
"""Taints that keep everything else off GPU nodes."""
WATCHING_SHARE = 0.125
"""Part of its processors that is reserved for what watches, of that for what serves; as on Docker."""


@dataclass(frozen=True)
class Placement:
    """Where the pods of a workload may run, and how much of a node they reserve."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[core.v1.TolerationArgsDict] = ()
    priority_class: str | None = None
    cpu_share: float = 1
    """Part of the processors that is reserved, above 0 to 1; the limit stays."""
    together: Mapping[str, str] = field(default_factory=dict)
    """Labels of all pods, this one among them, that must be on one node. Default: replicas are spread."""
    images_on_nodes: str | None = None
    """Prefix of images that are never pulled. Default: what a node does not have is pulled."""


def tolerations(gpus: int, placement: Placement) -> list[core.v1.TolerationArgsDict]:
    """Of the taints of GPU nodes where it needs GPUs, and of those that it is told of."""
    known = [tolerated(each) for each in GPU_TAINTS] if gpus else []
    return [*known, *(each for each in placement.tolerations if each not in known)]


def beside(labels: Mapping[str, str]) -> core.v1.AffinityArgsDict:
    """On the node that has such pods already. The first of them may go anywhere, as it is one itself.

    It is kept apart from them, too, by a label that no node has, which keeps nothing apart. But when a pod
    goes, the scheduler tries a waiting one again only if it was to be kept apart from it (queueing hints of
    InterPodAffinity, 1.36); else what comes after the pods of a drained node waits for up to five minutes.
    """
    selector: meta.v1.LabelSelectorArgsDict = {"match_labels": dict(labels)}
    with_them: core.v1.PodAffinityTermArgsDict = {"label_selector": selector, "topology_key": HOSTNAME}
    apart: core.v1.PodAffinityTermArgsDict = {"label_selector": selector, "topology_key": NO_PLACE}
    return {
        "pod_affinity": {"required_during_scheduling_ignored_during_execution": [with_them]},
        "pod_anti_affinity": {"required_during_scheduling_ignored_during_execution": [apart]},
    }


def spread(labels: Mapping[str, str]) -> core.v1.TopologySpreadConstraintArgsDict:
    """Replicas with these labels on as many nodes as there are."""
    return {
        "max_skew": 1,
        "topology_key": HOSTNAME,
        # Two replicas on the one node there is are better than one.
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": dict(labels)},
    }
