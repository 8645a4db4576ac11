"""Where the pods of a stack's models go on a cluster, and what its nodes cannot hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes import Provider, core

from catalog.errors import KitError
from catalog.images import upstream_image
from components.gpu_plugins import GpuPlugins, GpuPluginsArgs
from components.model_store import job_name
from components.platforms.kubernetes_checks import check_gpus, check_nodes
from components.platforms.kubernetes_names import dns_label, tolerated
from stacks.kubernetes_settings import GpuPool, KubernetesSettings
from stacks.plan import Hosted
from stacks.scaling import check_gpus as check_scaled
from stacks.scaling_settings import ScalingSettings

FIX = "Set slm-kit:kubernetes.sharedAccess to ReadWriteMany, with a storageClass that can."
Scalings = Mapping[str, ScalingSettings]
"""By the model's name."""


@dataclass(frozen=True)
class Places:
    """For the platform, by the name of the workload."""

    node_selectors: Mapping[str, Mapping[str, str]]
    tolerations: Mapping[str, Sequence[core.v1.TolerationArgsDict]]


def places(store: str, hosted: Sequence[Hosted], cluster: KubernetesSettings) -> Places:
    """Each model on GPUs on its pool. `store` is the name of the model store."""
    pools = {pool.name: pool for pool in cluster.gpu_pools}
    placed: dict[str, GpuPool] = {}
    for each in hosted:
        if each.decision.pool is None:
            continue
        placed[each.serving.name] = pools[each.decision.pool]
        if cluster.shared_access == "ReadWriteOnce" and cluster.model_images is None:
            # The store is on one node, and perhaps in one zone: whoever writes it goes where it is read.
            fetched = job_name(store, each.serving.model.name, each.decision.variant)
            placed[fetched] = pools[each.decision.pool]
    return Places(
        {name: dict(pool.labels) for name, pool in placed.items()},
        {name: [tolerated(taint) for taint in pool.taints] for name, pool in placed.items()},
    )


def plugs_namespace(namespace: str) -> str:
    """Where what the pools' nodes need runs, for a stack of this namespace.

    No stack has it by default: those begin with slm-. It goes with the stack.
    """
    return dns_label(f"gpu-{namespace}")


def plug(cluster: KubernetesSettings, namespace: str, provider: Provider | None) -> None:
    """Run what the pools' nodes need beside engines, where settings ask for it."""
    if not cluster.device_plugin:
        return
    args: GpuPluginsArgs = {
        "stack": dns_label(pulumi.get_stack()),
        "namespace": plugs_namespace(namespace),
        "plugin_image": upstream_image("device-plugin"),
        "nodes": [pool.labels for pool in cluster.gpu_pools],
        "taints": sorted({taint for pool in cluster.gpu_pools for taint in pool.taints}),
        "mig": any(pool.mig for pool in cluster.gpu_pools),
    }
    if cluster.gpu_metrics_for is not None:
        args["exporter_image"] = f"{cluster.images.prefix}/gpu-exporter:{cluster.images.tag}"
        # The stack's own Prometheus asks, too.
        args["scraped_from"] = sorted({cluster.gpu_metrics_for, namespace})
        args["exporter_pulled"] = cluster.images.from_registry
    GpuPlugins("gpu", args, pulumi.ResourceOptions(provider=provider))


def check_places(hosted: Sequence[Hosted], scalings: Scalings, cluster: KubernetesSettings) -> None:
    """Refuse what the pools, or the one node of a store that is not shared, cannot hold. Raises KitError."""
    for pool in cluster.gpu_pools:
        here = [each for each in hosted if each.decision.pool == pool.name]
        try:
            _check_pool(here, scalings, pool.per_node, pool.max_nodes)
        except KitError as error:
            raise KitError(f"{error.value}, pool {pool.name}", error.limit, error.next_step) from error
    if cluster.shared_access != "ReadWriteOnce":
        return
    if cluster.model_images is None:
        _check_one_node(hosted, scalings, cluster)
        return
    for each in (each for each in hosted if each.workload.caches):
        _check_volume([each], scalings, cluster, "volume of its caches")


def _check_pool(hosted: Sequence[Hosted], scalings: Scalings, per_node: int, nodes: int) -> None:
    least = {
        each.serving.name: replace(each.workload, replicas=scalings[each.serving.name].first_replicas)
        for each in hosted
    }
    check_gpus(least, per_node * nodes)
    check_nodes(least, nodes, per_node)
    check_scaled([(each, scalings[each.serving.name]) for each in hosted], per_node * nodes)


def _check_one_node(hosted: Sequence[Hosted], scalings: Scalings, cluster: KubernetesSettings) -> None:
    """With access mode ReadWriteOnce the store is mounted on one node at a time, and its readers with it."""
    used = {each.decision.pool: each.serving.name for each in hosted}
    if len(used) > 1:
        where = " and ".join(
            f"{model} on {'processors' if pool is None else f'pool {pool}'}" for pool, model in used.items()
        )
        raise KitError(where, "the model store has access mode ReadWriteOnce, which is one node's", FIX)
    _check_volume(hosted, scalings, cluster, "model store")


def _check_volume(
    hosted: Sequence[Hosted], scalings: Scalings, cluster: KubernetesSettings, volume: str
) -> None:
    """Refuse what mounts a volume together and has no room on one node of its pool. Raises KitError."""
    for pool in cluster.gpu_pools:
        here = [each for each in hosted if each.decision.pool == pool.name]
        try:
            _check_pool(here, scalings, pool.per_node, 1)
        except KitError as error:
            limit = f"{error.limit}; the {volume} has access mode ReadWriteOnce, which is one node's"
            raise KitError(f"{error.value}, pool {pool.name}", limit, FIX) from error
