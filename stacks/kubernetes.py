"""The workload layer: models on any cluster that a kubeconfig reaches, behind one gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pulumi

from catalog.errors import KitError
from catalog.images import upstream_image
from catalog.models import EngineName
from catalog.sizing.table import as_output
from components.engines.registry import RECIPES
from components.gateway.component import Gateway
from components.gateway.types import PUBLIC_PORT, Route
from components.model_service import ModelService
from components.model_store import ModelStore, ModelStoreArgs
from components.platforms.kubernetes import KubernetesPlatform, KubernetesPlatformArgs
from components.platforms.kubernetes_checks import check
from components.platforms.kubernetes_names import dns_label, same_name
from components.platforms.kubernetes_provider import ClusterArgs, cluster_provider
from monitoring.collector import LINES_PORT
from stacks.config import (
    download_settings,
    known_credentials,
    read_settings,
)
from stacks.gateway import gateway_args
from stacks.kubernetes_monitoring import PARTS, monitor, monitored, volumes_gib
from stacks.kubernetes_placement import check_places, places, plug
from stacks.kubernetes_scaling import GATEWAY, PROMETHEUS, Scaler, by_demand, scale, scaled, scalers_of
from stacks.kubernetes_settings import ImageSettings, KubernetesSettings
from stacks.plan import Plan, check_credentials, plan
from stacks.settings import StackSettings

STORE = "models"
_FOLDERS: dict[EngineName, str] = {"onnx": "onnx-server", "ollama": "ollama"}


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    cluster = _cluster(settings)
    made = plan(settings)
    check_credentials(made, known_credentials())
    _check(made, settings, cluster)
    watched = monitored(made, settings, _namespace(cluster))
    scalers = scalers_of(made, settings, cluster.gpus)
    pulumi.log.info(made.table)
    where = _scaled(_where(made, cluster), scalers, settings)
    where["volume_gib"] = {**where.get("volume_gib", {}), **volumes_gib(settings)}
    platform = KubernetesPlatform("cluster", where)
    plug(cluster, where.get("provider"))
    pulumi.log.info(_kept(platform, cluster))
    store = ModelStore(STORE, _store_args(made, platform, cluster.images))
    for each in made.hosted:
        ModelService(
            each.serving.name,
            {
                "platform": platform,
                "store": store,
                "recipe": RECIPES[each.decision.engine],
                "serving": each.serving,
                "image": _engine_image(each.decision.engine, each.decision.gpus, cluster.images),
            },
        )
    routes = _reached(made.routes, platform)
    image = _image("gateway", cluster.images)
    logs = None if watched is None else f"{platform.address('collector')}:{LINES_PORT}"
    Gateway("gateway", gateway_args(made, settings, platform, image, routes, logs))
    if watched is not None:
        monitor(watched, settings, platform, lambda name: _image(name, cluster.images))
    scale(scalers, platform)
    pulumi.export("namespace", platform.namespace)
    pulumi.export("endpoint", f"http://{platform.address('gateway')}:{PUBLIC_PORT}/v1")
    pulumi.export("gateway", platform.running("gateway").object_name)
    pulumi.export("modelStore", store.volume)
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
    for name, wanted in (
        ("openWebui", settings.open_webui),
        ("modelFolder", settings.model_folder),
        ("hardware", settings.hardware),
    ):
        if wanted is not None:
            raise KitError(f"slm-kit:{name}", "is for one machine with Docker", "Remove it from this stack.")
    return settings.kubernetes


def _namespace(cluster: KubernetesSettings) -> str:
    return cluster.namespace or f"slm-{dns_label(pulumi.get_stack())}"


def _check(made: Plan, settings: StackSettings, cluster: KubernetesSettings) -> None:
    """Refuse what the platform would refuse, before the first resource."""
    check_places(made.hosted, {model.name: model.scaling for model in settings.hosted}, cluster)
    taken = {each: each for name in (GATEWAY, *PARTS) for each in (name, f"{name}-published")}
    for each in made.hosted:
        name = each.serving.name
        same_name(name, taken)
        taken[dns_label(name)] = name
        check(name, each.workload)


def _where(made: Plan, cluster: KubernetesSettings) -> KubernetesPlatformArgs:
    placed = places(STORE, made.hosted, cluster)
    found: ClusterArgs = {}
    if cluster.kubeconfig is not None:
        found["kubeconfig"] = str(cluster.kubeconfig)
    if cluster.context is not None:
        found["context"] = cluster.context
    where: KubernetesPlatformArgs = {
        "stack": pulumi.get_stack(),
        "namespace": _namespace(cluster),
        "provider": cluster_provider("cluster", found),
        "keeper": cluster_provider("cluster-kept", found, finds=True),
        "shared_access": cluster.shared_access,
        "volume_gib": {STORE: cluster.store_gib},
        "cpu_share": cluster.cpu_share,
        "node_selectors": placed.node_selectors,
        "tolerations": placed.tolerations,
        "reachable_ranges": cluster.egress_ranges,
        "pull_secrets": cluster.images.pull_secrets,
        "admits": {GATEWAY: cluster.admits},
    }
    if cluster.storage_class is not None:
        where["storage_class"] = cluster.storage_class
    return where


def _kept(platform: KubernetesPlatform, cluster: KubernetesSettings) -> str:
    claim, form = platform.kept_name(STORE), f"{cluster.storage_class or 'default'}, {cluster.shared_access}"
    return (
        f"models are kept in the claim {claim} (storage class and access: {form}), which stays when the stack"
        " goes; with another class or access they are fetched into another claim, and this one stays too"
    )


def _scaled(
    where: KubernetesPlatformArgs, scalers: Mapping[str, Scaler], settings: StackSettings
) -> KubernetesPlatformArgs:
    """The platform, told whose replicas are not its own, and who asks Prometheus for them."""
    asking = {PROMETHEUS: (settings.autoscaling.keda_namespace,)} if by_demand(scalers) else {}
    return {**where, "scaled": scaled(scalers), "admits": {**where.get("admits", {}), **asking}}


def _image(name: str, images: ImageSettings) -> str:
    return f"{images.prefix}/{name}:{images.tag}"


def _engine_image(engine: EngineName, gpus: int, images: ImageSettings) -> str:
    if engine == "vllm":
        return upstream_image("vllm" if gpus else "vllm-cpu")
    return _image(_FOLDERS[engine], images)


def _store_args(made: Plan, platform: KubernetesPlatform, images: ImageSettings) -> ModelStoreArgs:
    args: ModelStoreArgs = {
        "platform": platform,
        "image": lambda target: _image(f"model-tools-{target}", images),
    }
    if made.authorities is not None:
        args["authorities"] = made.authorities
    secret = download_settings()
    if secret is not None:
        args["download_settings"] = secret
    return args


def _reached(routes: Sequence[Route], platform: KubernetesPlatform) -> list[Route]:
    """The routes with the engines' full names."""
    return [
        route if route.alias is None else replace(route, alias=platform.address(route.alias))
        for route in routes
    ]
