"""References of the images that are not the kit's own, from images.yaml."""

from collections.abc import Mapping
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
    base = _rows()["base"]
    return BaseImage(upstream=base["upstream"], built=base["built"])


def upstream_image(name: str) -> str:
    """Reference of an image that the kit only pulls."""
    return str(_rows()[name]["upstream"])


def _rows() -> Mapping[str, Mapping[str, str]]:
    rows: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        Path(__file__).with_name("images.yaml").read_text()
    )
    return rows
