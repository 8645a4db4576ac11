"""What a stack's settings say to its model store, wherever it is."""

from collections.abc import Callable

import pulumi

from components.model_store import ModelStoreArgs
from components.platform import Platform
from stacks.config import download_settings


def store_args(
    platform: Platform, image: Callable[[str], pulumi.Input[str]], authorities: str | None
) -> ModelStoreArgs:
    """Arguments of the store; `image` is docker/model-tools by its target, `authorities` PEM."""
    args: ModelStoreArgs = {"platform": platform, "image": image}
    if authorities is not None:
        args["authorities"] = authorities
    secret = download_settings()
    if secret is not None:
        args["download_settings"] = secret
    return args
