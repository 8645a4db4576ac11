"""Models on one machine with Docker: the store, one engine a model, one gateway, and what watches them."""

from collections.abc import Sequence

import pulumi

from catalog.sizing.table import as_output
from components.gateway.component import Gateway
from components.gateway.types import PUBLIC_PORT
from components.model_store import ModelStore, ModelStoreArgs
from components.monitoring.component import Monitoring, MonitoringArgs
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from components.open_webui import OpenWebui
from components.platforms.docker import DockerPlatform, DockerPlatformArgs
from monitoring.receiver_secrets import secret_files
from monitoring.watched import Watched
from stacks.config import (
    MONITORING_PASSWORD,
    key_secrets,
    known_credentials,
    known_receiver_secrets,
    password,
    read_settings,
    receiver_secrets,
)
from stacks.gateway import gateway_args
from stacks.local_images import LocalImages
from stacks.model_settings import OpenWebuiSettings
from stacks.plan import LIMITS, Plan, check_credentials, plan
from stacks.services import model_services
from stacks.settings import StackSettings
from stacks.store import store_args
from stacks.watching import watched_of


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    made = plan(settings)
    watched = _watched(made, settings)
    check_credentials(made, known_credentials())
    pulumi.log.info(made.table)
    images = LocalImages(settings)
    platform = DockerPlatform("local", _where(made, settings))
    store = ModelStore("models", _store_args(settings, made.authorities, platform, images))
    services = model_services(made, platform, store, images)
    gateway = Gateway("gateway", gateway_args(made, settings, platform, images.gateway(), made.routes))
    if watched is not None:
        pulumi.export(
            "monitoring", _monitoring(watched, settings, platform, images, store, [gateway, *services]).pages
        )
    if settings.open_webui is not None:
        pulumi.export("openWebui", _chat_page(settings.open_webui, platform, images).url)
    pulumi.export("endpoint", gateway.endpoint)
    pulumi.export("sizing", as_output(made.sizes))
    pulumi.export("models", [route.model for route in made.routes])


def _where(made: Plan, settings: StackSettings) -> DockerPlatformArgs:
    gpus = {each.serving.name: each.devices for each in made.hosted if each.devices}
    everyone = sorted({device for devices in gpus.values() for device in devices})
    where: DockerPlatformArgs = {"stack": pulumi.get_stack(), "gpus": {**gpus, "gpu-exporter": everyone}}
    if settings.engine_cpus is not None:
        where["cpus"] = settings.engine_cpus
    if settings.monitoring.enabled:
        # The collector's own logs would come back to it.
        where["logs"] = {"address": f"127.0.0.1:{settings.monitoring.ports.collector}", "kept": ["collector"]}
    return where


def _watched(made: Plan, settings: StackSettings) -> Watched | None:
    """What there is to watch; refused here, before anything is created, where it cannot be."""
    if not settings.monitoring.enabled:
        return None
    secret_files(settings.monitoring.receivers, known_receiver_secrets())
    return watched_of(pulumi.get_stack(), made, settings, LIMITS)


def _monitoring(
    watched: Watched,
    settings: StackSettings,
    platform: DockerPlatform,
    images: LocalImages,
    store: ModelStore,
    urgent: Sequence[pulumi.Resource],
) -> Monitoring:
    args: MonitoringArgs = {
        "platform": platform,
        # The first answer comes first: building Loki takes minutes.
        "image": lambda name: images.monitoring(name, urgent),
        "watched": watched,
        "password": password(MONITORING_PASSWORD),
        "store": store.volume,
        "ports": settings.monitored_ports,
        "storage_gib": settings.monitoring.storage_gib,
        "receivers": settings.monitoring.receivers,
        "receiver_secrets": receiver_secrets(),
    }
    if settings.monitoring.runbooks is not None:
        args["runbooks"] = settings.monitoring.runbooks
    return Monitoring("monitoring", args)


def _chat_page(page: OpenWebuiSettings, platform: DockerPlatform, images: LocalImages) -> OpenWebui:
    return OpenWebui(
        "open-webui",
        {
            "platform": platform,
            "image": images.pulled("open-webui"),
            "endpoint": f"http://gateway:{PUBLIC_PORT}/v1",
            "api_key": key_secrets().apply(lambda keys: keys[OPEN_WEBUI_KEY]),
            "admin_email": page.admin_email,
            "admin_password": password("open-webui"),
            "session_key": password("open-webui-session"),
            "port": page.port,
        },
    )


def _store_args(
    settings: StackSettings, authorities: str | None, platform: DockerPlatform, images: LocalImages
) -> ModelStoreArgs:
    args = store_args(platform, images.store, authorities)
    if settings.model_folder is not None:
        args["host_folder"] = settings.model_folder
    return args
