"""Builds one image of the kit with this machine's Docker engine."""

import os
from dataclasses import dataclass
from pathlib import Path

from catalog import images as catalog_images
from catalog.errors import KitError
from ops import base_image, trust
from ops.paths import CHECKOUT
from ops.say import step
from ops.shell import run
from stacks.config import PROXY_NAMES

DOCKER = CHECKOUT / "docker"
STORE = "model-tools"
STORE_TARGETS = ("fetch", "convert", "convert-gguf")


@dataclass(frozen=True)
class Builder:
    """How images are built here: `mode` is the setting `images` of a stack."""

    mode: str
    base: str
    build_base: str
    found: trust.Trust

    @classmethod
    def here(cls, mode: str) -> "Builder":
        """With bases that are there afterwards, and what this machine needs to reach package indexes."""
        base, found = base_image.ensure_base(mode), trust.find()
        return cls(mode, base, base_image.ensure_build_base(base, found) or base, found)

    def build(self, name: str, reference: str) -> None:
        """Build an image by its name. Raises KitError for one that can only be pulled, HostError else."""
        step(f"building {reference}")
        store = name.startswith(f"{STORE}-")
        folder, target = (STORE, name.removeprefix(f"{STORE}-")) if store else (name, "runtime")
        file, arguments = self._file(name, DOCKER / folder)
        given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        downloads = self.found.downloads
        proxies = {variable: downloads[key] for key, variable in PROXY_NAMES.items() if key in downloads}
        # Values of proxies travel in the environment, not in the arguments.
        given += [part for each in proxies for part in ("--build-arg", each)]
        run(
            ["docker", "build", "--quiet", "--file", str(file), "--target", target, "--tag", reference,
             *given, str(DOCKER / folder)],
            why=f"building {reference}", environment={**os.environ, **proxies, "DOCKER_BUILDKIT": "0"},
        )  # fmt: skip

    def _file(self, name: str, context: Path) -> tuple[Path, dict[str, str]]:
        """The Dockerfile and its arguments."""
        arguments = {"BASE": self.base, "BUILD_BASE": self.build_base}
        upstream = context / "Dockerfile.upstream"
        if upstream.exists() and self.mode == "upstream":
            return upstream, {**arguments, "UPSTREAM": catalog_images.upstream_image(name)}
        if not (context / "Dockerfile").exists():
            raise KitError(f"image {name!r}", "is made from one that must be pulled", "Leave it out here.")
        return context / "Dockerfile", arguments
