"""Models on one machine with Docker: the store, one engine a model, one gateway."""

import pulumi

from catalog import models as catalog
from catalog.images import base_image
from components.container_image import ContainerImage, ContainerImageArgs
from components.engines.onnx import PORT as ENGINE_PORT
from components.engines.onnx import OnnxSettings
from components.gateway import Gateway
from components.gateway_config import GatewayLimits, KeyGrant, Route
from components.model_service import ModelService
from components.model_store import ModelStore, ModelStoreArgs
from components.platforms.docker import DockerPlatform, DockerPlatformArgs
from components.secrets import ApiKeys
from stacks.config import build_proxies, download_settings, key_secrets, read_settings
from stacks.settings import ModelSettings, StackSettings


def program() -> None:
    """Compose the stack from its config."""
    settings = read_settings()
    where: DockerPlatformArgs = {"stack": pulumi.get_stack()}
    if settings.engine_cpus is not None:
        where["cpus"] = settings.engine_cpus
    platform = DockerPlatform("local", where)
    store = ModelStore("models", _store_args(settings, platform))
    engine_image = _image("onnx-server", settings)
    for model in settings.models:
        ModelService(
            model.name,
            {
                "platform": platform,
                "store": store,
                "model": catalog.find(model.name),
                "variant": settings.variant_of(model),
                "image": engine_image,
                "settings": _engine_settings(model),
            },
        )
    gateway = Gateway(
        "gateway",
        {
            "platform": platform,
            "image": _image("gateway", settings),
            "routes": [_route(model) for model in settings.models],
            "keys": ApiKeys("keys", {"grants": _grants(settings), "secrets": key_secrets()}),
            "limits": GatewayLimits(drain_s=120),
            "address": settings.gateway_address,
            "port": settings.gateway_port,
        },
    )
    pulumi.export("endpoint", gateway.endpoint)
    pulumi.export("models", [model.name for model in settings.models])


def _image(folder: str, settings: StackSettings, target: str = "runtime") -> pulumi.Output[str]:
    debian = base_image()
    base = settings.image_base or (debian.built if settings.images == "build" else debian.upstream)
    args: ContainerImageArgs = {
        "folder": folder,
        "base": base,
        "build_base": settings.build_base or base,
        "stack": pulumi.get_stack(),
        "target": target,
        "proxies": build_proxies(),
    }
    return ContainerImage(folder if target == "runtime" else f"{folder}-{target}", args).reference


def _store_args(settings: StackSettings, platform: DockerPlatform) -> ModelStoreArgs:
    """Only the images that some model of the stack needs are built: the converter is large."""
    args: ModelStoreArgs = {"platform": platform}
    conversions = {
        catalog.find(model.name).variants[settings.variant_of(model)].convert is not None
        for model in settings.models
    }
    if False in conversions:
        args["fetch_image"] = _image("model-tools", settings, "fetch")
    if True in conversions:
        args["convert_image"] = _image("model-tools", settings, "convert")
    if settings.certificate_authorities is not None:
        args["authorities"] = settings.certificate_authorities.read_text()
    if settings.model_folder is not None:
        args["host_folder"] = settings.model_folder
    secret = download_settings()
    if secret is not None:
        args["download_settings"] = secret
    return args


def _engine_settings(model: ModelSettings) -> OnnxSettings:
    return OnnxSettings(
        context_length=model.context_length,
        concurrency=model.concurrency,
        # The gateway queues; the engine keeps room for one round of requests already on their way.
        max_queue=model.concurrency,
        cpus=model.cpus,
        memory_mib=model.memory_mib,
    )


def _route(model: ModelSettings) -> Route:
    return Route(
        model=model.name,
        alias=model.name,
        port=ENGINE_PORT,
        max_concurrency=model.concurrency,
        max_queue=model.max_queue,
        queue_timeout_s=model.queue_timeout_seconds,
    )


def _grants(settings: StackSettings) -> list[KeyGrant]:
    return [
        KeyGrant(id=key.id, models=key.models, requests_per_minute=key.requests_per_minute)
        for key in settings.keys
    ]
