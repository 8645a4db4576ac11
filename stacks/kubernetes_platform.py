"""What a composition tells its Kubernetes platform, and what it refuses before there is one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import pulumi

from catalog.errors import KitError
from components.gateway.types import Route
from components.platform import Platform
from components.platforms.kubernetes import KubernetesPlatformArgs
from components.platforms.kubernetes_checks import check, check_place
from components.platforms.kubernetes_names import same_name
from components.platforms.kubernetes_provider import ClusterArgs, cluster_provider
from stacks.cluster_stack import kubeconfig_of
from stacks.kubernetes_monitoring import PARTS
from stacks.kubernetes_placement import check_places, places
from stacks.kubernetes_scaling import GATEWAY
from stacks.kubernetes_settings import KubernetesSettings
from stacks.plan import Plan
from stacks.settings import StackSettings

__all__ = ["GATEWAY", "STORE", "check_plan", "platform_args", "reached"]

STORE = "models"
Placed = TypeVar("Placed")


def check_plan(made: Plan, settings: StackSettings, cluster: KubernetesSettings) -> None:
    """Refuse what the platform would refuse, before the first resource. Raises KitError."""
    # One that is made of the stack's name is the stack's own.
    check_place(cluster.namespace or "slm", cluster.egress_ranges, cluster.cpu_share)
    check_places(made.hosted, {model.name: model.scaling for model in settings.hosted}, cluster)
    _check_store(made, cluster)
    taken = [each for name in (GATEWAY, *PARTS) for each in (name, f"{name}-published")]
    for each in made.hosted:
        name = each.serving.name
        same_name(name, taken)
        taken.append(name)
        check(name, each.workload)


def _check_store(made: Plan, cluster: KubernetesSettings) -> None:
    """Each variant is there once. What a conversion needs beside its result is not counted."""
    if cluster.model_images is not None:
        return
    variants = {
        (each.serving.model.name, each.serving.variant_name): each.serving.variant.bytes
        for each in made.hosted
    }
    gib = sum(variants.values()) / 2**30
    if gib > cluster.store_gib:
        raise KitError(
            f"slm-kit:kubernetes.storeGib {cluster.store_gib}",
            f"the files of the models are {gib:.1f} GiB",
            f"Set it to {math.ceil(gib * 1.1)} or more. A claim that is there grows where its storage class "
            "allows that; else delete it first, and the models are fetched again.",
        )


def platform_args(
    made: Plan, cluster: KubernetesSettings, namespace: str, prefix: str = "", identifier: str | None = None
) -> KubernetesPlatformArgs:
    """The platform; `prefix` is of the names of all that runs on it, `identifier` the cluster's own."""
    placed = places(STORE, made.hosted, cluster)
    found = _reached_by(cluster, identifier)
    args: KubernetesPlatformArgs = {
        "stack": pulumi.get_stack(),
        "namespace": namespace,
        "provider": cluster_provider(f"{prefix}cluster", found),
        "keeper": cluster_provider(f"{prefix}cluster-kept", found, finds=True),
        "shared_access": cluster.shared_access,
        "volume_gib": {f"{prefix}{STORE}": cluster.store_gib},
        "cpu_share": cluster.cpu_share,
        "node_selectors": _prefixed(prefix, placed.node_selectors),
        "tolerations": _prefixed(prefix, placed.tolerations),
        "reachable_ranges": cluster.egress_ranges,
        "pull_secrets": cluster.images.pull_secrets,
        "admits": {f"{prefix}{GATEWAY}": cluster.admitted},
    }
    if not cluster.images.from_registry:
        args["images_on_nodes"] = cluster.images.prefix
    if cluster.storage_class is not None:
        args["storage_class"] = cluster.storage_class
    if (disks := cluster.disks) is not None:
        args["disk_class"] = disks
    return args


def reached(routes: Sequence[Route], platform: Platform) -> list[Route]:
    """The routes with the engines' full names."""
    return [
        route if route.alias is None else replace(route, alias=platform.address(route.alias))
        for route in routes
    ]


def _reached_by(cluster: KubernetesSettings, identifier: str | None) -> ClusterArgs:
    found: ClusterArgs = {} if identifier is None else {"identifier": identifier}
    if cluster.cluster is not None:
        found["kubeconfig"] = kubeconfig_of(cluster.cluster)
    if cluster.kubeconfig is not None:
        found["kubeconfig"] = str(cluster.kubeconfig)
    if cluster.context is not None:
        found["context"] = cluster.context
    return found


def _prefixed(prefix: str, by_name: Mapping[str, Placed]) -> dict[str, Placed]:
    return {f"{prefix}{name}": value for name, value in by_name.items()}
