"""What a stack's settings say to its model store, wherever it is."""

from collections.abc import Callable

import pulumi

from components.model_images import ModelImages
from components.model_store import ModelStore, ModelStoreArgs
from components.platform import Platform
from stacks.config import download_settings


def models_of(
    name: str, prefix: str | None, args: ModelStoreArgs, opts: pulumi.ResourceOptions | None = None
) -> ModelStore | ModelImages:
    """Images of models below `prefix`, or a store of that name where it is None."""
    return ModelStore(name, args, opts) if prefix is None else ModelImages(prefix)


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
