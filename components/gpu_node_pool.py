"""Pools of nodes: with GPUs for engines that compute on them, and without for everything else."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerservice as aks

from catalog.azure_skus import MigProfile, cut
from catalog.azure_skus import find as find_sku
from components.azure_place import Place
from components.azure_pool_rules import (
    Eviction,
    Priority,
    check_fixed,
    check_priority,
    check_regular,
    check_scale,
)
from components.azure_rules import check_name
from components.gpu_nodes import GPU_LABEL, GPU_TAINT, POOL_LABEL

NO_LIMIT = -1.0
"""Of a Spot node's price: it is never evicted for it."""


class NodePoolArgs(TypedDict):
    """Nodes of one size, as many as are needed between two bounds."""

    place: Place
    cluster_name: pulumi.Input[str]
    subnet: pulumi.Input[str]
    pool_name: str
    """1 to 12 small letters and digits, a letter first."""
    sku: str
    """Size of the machines; fixed once the pool is there."""
    min_nodes: int
    """0 to 1000. The cluster's autoscaler sets the count; 0 costs nothing while nobody asks. With `mig` it is
    the count."""
    max_nodes: int
    kubernetes_version: NotRequired[str]
    """The cluster's: AKS upgrades the control plane alone, each pool by its own. Default: as the cluster's is
    when the pool is made."""
    zones: NotRequired[Sequence[str]]
    priority: NotRequired[Priority]
    """Default: Regular, and nothing else for nodes without GPUs."""
    eviction_policy: NotRequired[Eviction]
    """For Spot, and needed there."""
    max_usd_per_hour: NotRequired[float]
    """For Spot: what a node may cost. Default: as much as a regular one."""
    os_disk_gib: NotRequired[int]
    """Images and containers are there too. Default: Azure's, by size."""
    os_disk_type: NotRequired[Literal["Managed", "Ephemeral"]]
    """Ephemeral is faster and needs a size whose local disk holds it. Default: Azure's."""


class GpuNodePoolArgs(NodePoolArgs):
    """Nodes with GPUs."""

    mig: NotRequired[MigProfile]
    """How each GPU is cut; fixed once the pool is there. AKS does not scale such a pool: min_nodes and
    max_nodes are the same then. Default: it is whole."""
    driver: NotRequired[Literal["Install", "None"]]
    """None where NVIDIA's GPU operator brings the driver. Default: Install."""


def _check(args: NodePoolArgs) -> None:
    name = args["pool_name"]
    check_name("pool", name)
    check_scale(name, args["min_nodes"], args["max_nodes"])
    check_priority(
        name, args.get("priority", "Regular"), args.get("eviction_policy"), args.get("max_usd_per_hour")
    )


def _pool(
    name: str,
    args: NodePoolArgs,
    parent: pulumi.Resource,
    *,
    labels: Mapping[str, str],
    taints: Sequence[str] = (),
    gpu: aks.GPUProfileArgsDict | None = None,
    mig: MigProfile | None = None,
) -> aks.AgentPool:
    place, priority = args["place"], args.get("priority", "Regular")
    # A count that is said would be asked for by each update: it is the cluster's autoscaler's, but for cut
    # GPUs (components/azure_pool_rules.py).
    scaled = mig is None
    return aks.AgentPool(
        name,
        agent_pool_name=args["pool_name"],
        resource_group_name=place.resource_group,
        resource_name_=args["cluster_name"],
        mode=aks.AgentPoolMode.USER,
        os_type=aks.OSType.LINUX,
        vm_size=args["sku"],
        orchestrator_version=args.get("kubernetes_version"),
        count=None if scaled else args["min_nodes"],
        enable_auto_scaling=scaled,
        min_count=args["min_nodes"] if scaled else None,
        max_count=args["max_nodes"] if scaled else None,
        node_labels={POOL_LABEL: args["pool_name"], **labels},
        node_taints=list(taints),
        availability_zones=list(args.get("zones", ())) or None,
        vnet_subnet_id=args["subnet"],
        os_disk_size_gb=args.get("os_disk_gib"),
        os_disk_type=args.get("os_disk_type"),
        scale_set_priority=priority,
        scale_set_eviction_policy=args.get("eviction_policy"),
        spot_max_price=args.get("max_usd_per_hour", NO_LIMIT) if priority == "Spot" else None,
        gpu_profile=gpu,
        gpu_instance_profile=mig,
        upgrade_settings=None if priority == "Spot" else _upgrade(gpus=gpu is not None),
        tags=place.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _upgrade(*, gpus: bool) -> aks.AgentPoolUpgradeSettingsArgsDict:
    """A further node first; with GPUs that would take quota that nobody else uses: one goes before."""
    return {"max_surge": "0", "max_unavailable": "1"} if gpus else {"max_surge": "1"}


class NodePool(pulumi.ComponentResource):
    """Nodes without a taint: gateway, monitoring, jobs, and engines on processors."""

    pool_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(args)
        check_regular(args["pool_name"], args.get("priority", "Regular"))
        find_sku(args["sku"])
        super().__init__("slm:index:NodePool", name, {}, opts)
        self.pool_name = _pool(name, args, self, labels={}).name.apply(str)
        self.register_outputs({"poolName": self.pool_name})


class GpuNodePool(pulumi.ComponentResource):
    """Tainted nodes with GPUs. AKS installs the driver; the device plugin is the cluster's user's to run."""

    pool_name: pulumi.Output[str]

    def __init__(self, name: str, args: GpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(args)
        if "mig" in args:
            check_fixed(args["pool_name"], args["min_nodes"], args["max_nodes"])
        hardware, _ = cut(find_sku(args["sku"]), args.get("mig"))
        super().__init__("slm:index:GpuNodePool", name, {}, opts)
        made = _pool(
            name,
            args,
            self,
            labels={GPU_LABEL: hardware.name},
            taints=[GPU_TAINT],
            gpu={"driver": args.get("driver", "Install")},
            mig=args.get("mig"),
        )
        self.pool_name = made.name.apply(str)
        self.register_outputs({"poolName": self.pool_name})
