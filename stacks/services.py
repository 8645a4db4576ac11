"""From a stack's plan to the services of its models, wherever they run."""

from typing import Protocol

import pulumi

from catalog.models import EngineName
from components.engines.registry import RECIPES
from components.model_service import ModelService
from components.models import Models
from components.platform import Platform
from stacks.plan import Plan


class EngineImages(Protocol):
    """Where a composition has its images from."""

    def engine(self, engine: EngineName, gpus: int) -> pulumi.Input[str]:
        """The image that runs an engine."""
        ...


def model_services(
    made: Plan,
    platform: Platform,
    store: Models,
    images: EngineImages,
    prefix: str = "",
    opts: pulumi.ResourceOptions | None = None,
) -> list[ModelService]:
    """One for each hosted model, named with the prefix; `opts` are each one's."""
    return [
        ModelService(
            f"{prefix}{each.serving.name}",
            {
                "platform": platform,
                "store": store,
                "recipe": RECIPES[each.decision.engine],
                "serving": each.serving,
                "image": images.engine(each.decision.engine, each.decision.gpus),
            },
            opts,
        )
        for each in made.hosted
    ]
