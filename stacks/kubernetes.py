"""The workload layer: models on any cluster that a kubeconfig reaches, behind one gateway."""

from collections.abc import Sequence
from dataclasses import replace

import pulumi

from catalog.errors import KitError
from catalog.sizing.table import as_output
from components.engines.registry import RECIPES
from components.gateway.component import Gateway
from components.gateway.types import PUBLIC_PORT, Route
from components.model_service import ModelService
from components.model_store import ModelStore
from components.platform import Platform
from components.platforms.kubernetes import KubernetesPlatform, KubernetesPlatformArgs
from components.platforms.kubernetes_checks import check, check_gpus
from components.platforms.kubernetes_names import dns_label, same_name
from components.platforms.kubernetes_provider import ClusterArgs, cluster_provider
from stacks.config import known_credentials, read_settings
from stacks.gateway import gateway_args
from stacks.kubernetes_settings import KubernetesSettings
from stacks.named_images import NamedImages
from stacks.plan import Plan, check_credentials, plan
from stacks.settings import StackSettings
from stacks.store import store_args

STORE, GATEWAY = "models", "gateway"


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    cluster = _cluster(settings)
    made = plan(settings)
    check_credentials(made, known_credentials())
    check_plan(made, cluster)
    pulumi.log.info(made.table)
    platform = KubernetesPlatform("cluster", where(cluster, _namespace(cluster)))
    images = NamedImages(cluster.images)
    store = ModelStore(STORE, store_args(platform, images.store, made.authorities))
    for each in made.hosted:
        ModelService(
            each.serving.name,
            {
                "platform": platform,
                "store": store,
                "recipe": RECIPES[each.decision.engine],
                "serving": each.serving,
                "image": images.engine(each.decision.engine, each.decision.gpus),
            },
        )
    routes = reached(made.routes, platform)
    Gateway(GATEWAY, gateway_args(made, settings, platform, images.gateway(), routes))
    pulumi.export("namespace", platform.namespace)
    pulumi.export("endpoint", f"http://{platform.address('gateway')}:{PUBLIC_PORT}/v1")
    pulumi.export("gateway", platform.running("gateway").object_name)
    pulumi.export("sizing", as_output(made.sizes))
    pulumi.export("models", [route.model for route in made.routes])


def _cluster(settings: StackSettings) -> KubernetesSettings:
    """Refuses what this layer does not run."""
    if settings.kubernetes is None:
        raise KitError(
            "slm-kit:kubernetes",
            "is not set",
            "Give at least {images: {tag: …}}; stacks/kubernetes_settings.py.",
        )
    for name, wanted in (("openWebui", settings.open_webui), ("modelFolder", settings.model_folder)):
        if wanted is not None:
            raise KitError(f"slm-kit:{name}", "is for one machine with Docker", "Remove it from this stack.")
    if settings.monitoring.enabled:
        raise KitError(
            "slm-kit:monitoring",
            "does not run on Kubernetes yet",
            "Set it to {enabled: false} in this stack.",
        )
    return settings.kubernetes


def _namespace(cluster: KubernetesSettings) -> str:
    return cluster.namespace or f"slm-{dns_label(pulumi.get_stack())}"


def check_plan(made: Plan, cluster: KubernetesSettings) -> None:
    """Refuse what the platform would refuse, before the first resource."""
    check_gpus({each.serving.name: each.workload for each in made.hosted}, cluster.gpus)
    taken = {GATEWAY: GATEWAY, f"{GATEWAY}-published": f"{GATEWAY}-published"}
    for each in made.hosted:
        name = each.serving.name
        same_name(name, taken)
        taken[dns_label(name)] = name
        check(name, each.workload)
        if each.serving.gpus:
            raise KitError(
                f"model {name} on {each.serving.gpus} GPUs",
                "this layer does not place pods on GPU nodes yet",
                "Serve it on processors here, or on a machine with target local-docker.",
            )


def where(
    cluster: KubernetesSettings, namespace: str, prefix: str = "", identifier: str | None = None
) -> KubernetesPlatformArgs:
    """The platform; `prefix` is of the names of all that runs on it, `identifier` the cluster's own."""
    found: ClusterArgs = {} if identifier is None else {"identifier": identifier}
    if cluster.kubeconfig is not None:
        found["kubeconfig"] = str(cluster.kubeconfig)
    if cluster.context is not None:
        found["context"] = cluster.context
    where: KubernetesPlatformArgs = {
        "stack": pulumi.get_stack(),
        "namespace": namespace,
        "provider": cluster_provider(f"{prefix}cluster", found),
        "keeper": cluster_provider(f"{prefix}cluster-kept", found, finds=True),
        "shared_access": cluster.shared_access,
        "volume_gib": {f"{prefix}{STORE}": cluster.store_gib},
        "cpu_share": cluster.cpu_share,
        "gpus_available": cluster.gpus,
        "reachable_ranges": cluster.egress_ranges,
        "pull_secrets": cluster.images.pull_secrets,
        "admits": {f"{prefix}{GATEWAY}": cluster.admits},
    }
    if cluster.storage_class is not None:
        where["storage_class"] = cluster.storage_class
    return where


def reached(routes: Sequence[Route], platform: Platform) -> list[Route]:
    """The routes with the engines' full names."""
    return [
        route if route.alias is None else replace(route, alias=platform.address(route.alias))
        for route in routes
    ]
