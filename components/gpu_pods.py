"""What pods beside engines on GPU nodes are made of: pure."""

from collections.abc import Mapping, Sequence

from pulumi_kubernetes import core

PLUGIN_SOCKETS = "/var/lib/kubelet/device-plugins"
"""Where the kubelet looks for device plugins, and makes its own socket."""


def sockets() -> core.v1.VolumeArgsDict:
    """The kubelet's folder."""
    return {"name": "sockets", "host_path": {"path": PLUGIN_SOCKETS, "type": "Directory"}}


def confined(*, user: int, read_only: bool) -> core.v1.SecurityContextArgsDict:
    """Nothing that it does not need."""
    return {
        "run_as_user": user,
        "run_as_non_root": user != 0,
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": read_only,
        "capabilities": {"drop": ["ALL"]},
    }


def admin() -> core.v1.SecurityContextArgsDict:
    """What counts instances of cut GPUs: NVIDIA's chart of the plugin gives it SYS_ADMIN, and nothing more is
    kept here. Kubernetes counts whoever has it as one that may escalate."""
    context = confined(user=0, read_only=False)
    context["allow_privilege_escalation"] = True
    context["capabilities"] = {"drop": ["ALL"], "add": ["SYS_ADMIN"]}
    return context


def resources(memory_mib: int) -> core.v1.ResourceRequirementsArgsDict:
    """Its memory is a limit, its processor is not."""
    return {
        "requests": {"cpu": "50m", "memory": f"{memory_mib}Mi"},
        "limits": {"memory": f"{memory_mib}Mi"},
    }


def on_any_of(nodes: Sequence[Mapping[str, str]]) -> core.v1.AffinityArgsDict:
    """On nodes that have all labels of one of these, and on no other."""
    terms: list[core.v1.NodeSelectorTermArgsDict] = [
        {
            "match_expressions": [
                {"key": key, "operator": "In", "values": [value]} for key, value in sorted(labels.items())
            ]
        }
        for labels in nodes
    ]
    required: core.v1.NodeSelectorArgsDict = {"node_selector_terms": terms}
    return {"node_affinity": {"required_during_scheduling_ignored_during_execution": required}}
