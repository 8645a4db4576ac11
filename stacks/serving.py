"""From a model's settings to what its engine and the gateway are told."""

from catalog import models as catalog
from catalog.sizing import MIB, onnx_memory_bytes
from catalog.sources import store_path
from components.engines.contract import PORT, Serving
from components.engines.registry import RECIPES
from components.gateway_config import KeyGrant, Route
from components.model_store import STORE_PATH
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from stacks.settings import ModelSettings, StackSettings


def serving_of(model: ModelSettings, settings: StackSettings) -> Serving:
    """What the engine is told."""
    known, variant = catalog.find(model.catalog_name), settings.variant_of(model)
    return Serving(
        name=model.name,
        model=known,
        variant_name=variant,
        folder=f"{STORE_PATH}/{store_path(known.name, variant, known.variants[variant].source)}",
        context_length=model.context_length,
        concurrency=model.concurrency,
        # The gateway queues; the engine keeps room for one round of requests already on their way.
        max_queue=model.concurrency,
        cpus=model.cpus,
        gpus=model.gpus,
        memory_mib=model.memory_mib or needed_mib(model, settings),
        ollama=model.ollama,
        vllm=model.vllm,
    )


def needed_mib(model: ModelSettings, settings: StackSettings) -> int:
    """Memory that the engine needs with every slot full to the configured context."""
    known = catalog.find(model.catalog_name)
    variant = known.variants[settings.variant_of(model)]
    return -(-onnx_memory_bytes(known, variant, model.context_length, model.concurrency) // MIB)


def route_of(model: ModelSettings) -> Route:
    """How the gateway reaches it."""
    return Route(
        model=model.name,
        alias=model.name,
        port=PORT,
        health_path=RECIPES[model.engine].health_path,
        max_concurrency=model.concurrency,
        max_queue=model.max_queue,
        queue_timeout_s=model.queue_timeout_seconds,
    )


def grants_of(settings: StackSettings) -> list[KeyGrant]:
    """Who may call what."""
    grants = [
        KeyGrant(id=key.id, models=key.models, requests_per_minute=key.requests_per_minute)
        for key in settings.keys
    ]
    page = () if settings.open_webui is None else (KeyGrant(id=OPEN_WEBUI_KEY, models=("*",)),)
    return [*grants, *page]
