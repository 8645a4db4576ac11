"""From a model's settings to what its engine and the gateway are told."""

from typing import Any

from catalog import models as catalog
from catalog.sizing.fit import Fit
from catalog.sizing.memory import MIB
from catalog.sources import store_path
from components.engines.contract import PORT, Serving
from components.engines.registry import RECIPES
from components.gateway.config import KeyGrant, Route
from components.models import STORE_PATH
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from components.workload import Update
from stacks.decision import Decision
from stacks.model_settings import ModelSettings
from stacks.settings import StackSettings


def serving_of(model: ModelSettings, decision: Decision, found: Fit, settings: StackSettings) -> Serving:
    """What the engine is told."""
    known = catalog.find(model.catalog_name)
    source = known.variants[decision.variant].source
    return Serving(
        name=model.name,
        model=known,
        variant_name=decision.variant,
        folder=f"{STORE_PATH}/{store_path(known.name, decision.variant, source)}",
        context_length=model.context_length,
        concurrency=model.concurrency,
        # The gateway queues; the engine keeps room for one round of requests already on their way.
        max_queue=model.concurrency,
        # No container gets more than the engine has, and no program starts threads for more.
        cpus=min(model.cpus, settings.engine_cpus or model.cpus),
        gpus=decision.gpus,
        replicas=model.scaling.replicas,
        memory_mib=model.memory_mib or found.estimate.limit // MIB,
        update=None if model.update is None else Update(model.update),
        ollama=model.ollama,
        vllm=model.vllm,
    )


def routes_of(model: ModelSettings, decision: Decision | None) -> list[Route]:
    """How the gateway reaches it: a route for each name that it is served under."""
    common: dict[str, Any] = {
        "max_concurrency": model.concurrency,
        "max_queue": model.max_queue,
        "queue_timeout_s": model.queue_timeout_seconds,
        "fallback": model.fallback,
    }
    if decision is None:
        return [Route(model=model.name, external=model.external, **common)]
    health_path = RECIPES[decision.engine].health_path
    return [
        Route(
            model=name,
            alias=model.name,
            port=PORT,
            health_path=health_path,
            replicas=model.scaling.max_replicas,
            **common,
        )
        for name in model.public_names
    ]


def grants_of(settings: StackSettings) -> list[KeyGrant]:
    """Who may call what."""
    grants = [
        KeyGrant(
            id=key.id,
            models=key.models,
            requests_per_minute=key.requests_per_minute,
            expires=key.expires,
        )
        for key in settings.keys
    ]
    page = () if settings.open_webui is None else (KeyGrant(id=OPEN_WEBUI_KEY, models=("*",)),)
    return [*grants, *page]
