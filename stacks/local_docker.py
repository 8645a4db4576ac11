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
from stacks.config import download_settings, external_credentials, key_secrets, password, read_settings
from stacks.local_images import LocalImages
from stacks.model_settings import OpenWebuiSettings
from stacks.serving import grants_of, routes_of, serving_of
from stacks.settings import StackSettings
from stacks.sizing import sizes, table


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    rows = sizes(settings)
    pulumi.log.info(table(settings))
    images = LocalImages(settings)
    where: DockerPlatformArgs = {"stack": pulumi.get_stack()}
    if settings.engine_cpus is not None:
        where["cpus"] = settings.engine_cpus
    platform = DockerPlatform("local", where)
    store = ModelStore("models", _store_args(settings, platform, images))
    for model in settings.hosted:
        decision = settings.decision_of(model)
        ModelService(
            model.name,
            {
                "platform": platform,
                "store": store,
                "recipe": RECIPES[decision.engine],
                "serving": serving_of(model, settings),
                "image": images.engine(decision.engine, decision.gpus),
            },
        )
    gateway = _gateway(settings, platform, images)
    if settings.open_webui is not None:
        pulumi.export("openWebui", _chat_page(settings.open_webui, platform, images).url)
    pulumi.export("endpoint", gateway.endpoint)
    pulumi.export("sizing", as_output(rows))
    pulumi.export("models", [model.name for model in settings.models])


def _gateway(settings: StackSettings, platform: DockerPlatform, images: LocalImages) -> Gateway:
    args: GatewayArgs = {
        "platform": platform,
        "image": images.gateway(),
        "routes": [route for model in settings.models for route in routes_of(model, settings)],
        "keys": ApiKeys("keys", {"grants": grants_of(settings), "secrets": key_secrets()}),
        "limits": GatewayLimits(drain_s=120),
        "address": settings.gateway_address,
        "port": settings.gateway_port,
        "credentials": external_credentials(),
    }
    if settings.certificate_authorities is not None:
        args["authorities"] = settings.certificate_authorities.read_text()
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


def _store_args(settings: StackSettings, platform: DockerPlatform, images: LocalImages) -> ModelStoreArgs:
    args: ModelStoreArgs = {"platform": platform, "image": images.store}
    if settings.certificate_authorities is not None:
        args["authorities"] = settings.certificate_authorities.read_text()
    if settings.model_folder is not None:
        args["host_folder"] = settings.model_folder
    secret = download_settings()
    if secret is not None:
        args["download_settings"] = secret
    return args
