"""Models on one machine with Docker: the store, one engine a model, one gateway."""

import pulumi

from catalog.sizing.table import as_output
from components.engines.registry import RECIPES
from components.gateway.component import Gateway, GatewayArgs
from components.gateway.config import GatewayLimits
from components.gateway.types import PUBLIC_PORT
from components.model_service import ModelService
from components.model_store import ModelStore, ModelStoreArgs
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from components.open_webui import OpenWebui
from components.platforms.docker import DockerPlatform, DockerPlatformArgs
from components.secrets import ApiKeys
from stacks.config import (
    download_settings,
    external_credentials,
    key_secrets,
    known_credentials,
    password,
    read_settings,
)
from stacks.local_images import LocalImages
from stacks.model_settings import OpenWebuiSettings
from stacks.plan import Plan, check_credentials, plan
from stacks.settings import StackSettings


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    made = plan(settings)
    check_credentials(made, known_credentials())
    pulumi.log.info(made.table)
    images = LocalImages(settings)
    where: DockerPlatformArgs = {
        "stack": pulumi.get_stack(),
        "gpus": {each.serving.name: each.devices for each in made.hosted if each.devices},
    }
    if settings.engine_cpus is not None:
        where["cpus"] = settings.engine_cpus
    platform = DockerPlatform("local", where)
    store = ModelStore("models", _store_args(settings, made.authorities, platform, images))
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
    gateway = _gateway(made, settings, platform, images)
    if settings.open_webui is not None:
        pulumi.export("openWebui", _chat_page(settings.open_webui, platform, images).url)
    pulumi.export("endpoint", gateway.endpoint)
    pulumi.export("sizing", as_output(made.sizes))
    pulumi.export("models", [route.model for route in made.routes])


def _gateway(made: Plan, settings: StackSettings, platform: DockerPlatform, images: LocalImages) -> Gateway:
    args: GatewayArgs = {
        "platform": platform,
        "image": images.gateway(),
        "routes": made.routes,
        "keys": ApiKeys("keys", {"grants": made.grants, "secrets": key_secrets()}),
        "limits": GatewayLimits(drain_s=120),
        "address": settings.gateway_address,
        "port": settings.gateway_port,
        "credentials": external_credentials(),
    }
    if made.authorities is not None:
        args["authorities"] = made.authorities
    return Gateway("gateway", args)


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
    args: ModelStoreArgs = {"platform": platform, "image": images.store}
    if authorities is not None:
        args["authorities"] = authorities
    if settings.model_folder is not None:
        args["host_folder"] = settings.model_folder
    secret = download_settings()
    if secret is not None:
        args["download_settings"] = secret
    return args
