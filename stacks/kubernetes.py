"""The workload layer: models on any cluster that a kubeconfig reaches, behind one gateway."""

from collections.abc import Mapping

import pulumi

from catalog.errors import KitError
from catalog.sizing.table import as_output
from components.gateway.component import Gateway
from components.gateway.types import PUBLIC_PORT
from components.model_images import ModelImages
from components.platforms.kubernetes import KubernetesPlatform, KubernetesPlatformArgs
from monitoring.collector import LINES_PORT
from stacks.config import known_credentials, read_settings
from stacks.gateway import gateway_args
from stacks.kubernetes_exposure import certificate, let_in
from stacks.kubernetes_monitoring import monitor, monitored, volumes_gib
from stacks.kubernetes_place import namespace_of
from stacks.kubernetes_placement import plug
from stacks.kubernetes_platform import GATEWAY, STORE, check_plan, platform_args, reached
from stacks.kubernetes_scaling import PROMETHEUS, Scaler, by_demand, scale, scaled, scalers_of
from stacks.kubernetes_settings import KubernetesSettings
from stacks.named_images import NamedImages
from stacks.plan import check_credentials, plan
from stacks.services import model_services
from stacks.settings import StackSettings
from stacks.store import models_of, store_args


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    cluster = _cluster(settings)
    made = plan(settings)
    check_credentials(made, known_credentials())
    check_plan(made, settings, cluster)
    watched = monitored(made, settings, _namespace(cluster))
    scalers = scalers_of(made, settings, cluster)
    pulumi.log.info(made.table)
    where = _scaled(platform_args(made, cluster, _namespace(cluster)), scalers, settings)
    where["volume_gib"] = {**where.get("volume_gib", {}), **volumes_gib(settings)}
    platform = KubernetesPlatform("cluster", where)
    plug(cluster, _namespace(cluster), where.get("provider"))
    pulumi.log.info(_kept(platform, cluster))
    images = NamedImages(cluster.images)
    args = store_args(platform, images.store, made.authorities)
    store = models_of(STORE, cluster.models_prefix, args)
    services = model_services(made, platform, store, images)
    routes = reached(made.routes, platform)
    logs = None if watched is None else f"{platform.address('collector')}:{LINES_PORT}"
    secret = certificate(cluster, platform, GATEWAY)
    door = gateway_args(
        made, settings, platform, images.gateway(), routes, collector=logs, certificate=secret
    )
    Gateway(GATEWAY, door)
    if watched is not None:
        monitor(watched, settings, platform, images.monitoring, services)
    scale(scalers, platform)
    for name, value in let_in(cluster, platform, GATEWAY, settings.gateway_port).items():
        pulumi.export(name, value)
    pulumi.export("namespace", platform.namespace)
    pulumi.export("endpoint", f"http://{platform.address('gateway')}:{PUBLIC_PORT}/v1")
    pulumi.export("gateway", platform.running("gateway").object_name)
    if isinstance(store, ModelImages):
        served = [each.serving for each in made.hosted]
        wanted = {each.name: store.reference(each.model, each.variant_name) for each in served}
        pulumi.export("modelImages", wanted)
    else:
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
        # `make images` reads it on this machine.
        ("modelFolder", None if settings.kubernetes.model_images else settings.model_folder),
        ("hardware", settings.hardware),
    ):
        if wanted is not None:
            raise KitError(f"slm-kit:{name}", "is for one machine with Docker", "Remove it from this stack.")
    return settings.kubernetes


def _namespace(cluster: KubernetesSettings) -> str:
    return namespace_of(cluster, pulumi.get_stack())


def _kept(platform: KubernetesPlatform, cluster: KubernetesSettings) -> str:
    if cluster.models_prefix is not None:
        return f"models are images {cluster.models_prefix}/model-…, which `make images` makes"
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
