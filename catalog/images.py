"""References of the images that are not the kit's own, from images.yaml."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class BaseImage:
    """The image every kit image is built on: pulled by tag and digest, or made here under `built`."""

    upstream: str
    built: str


def base_image() -> BaseImage:
    """The base of the kit's own images."""
    base = yaml.safe_load(Path(__file__).with_name("images.yaml").read_text())["base"]
    return BaseImage(upstream=base["upstream"], built=base["built"])
