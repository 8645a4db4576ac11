"""Images for the cluster's tests, built on the bases that `make up` makes on this machine."""

import hashlib
import os
import subprocess
from pathlib import Path

from ops import base_image, trust

BUILD_SECONDS = 3600


class BuildError(RuntimeError):
    """An image does not build; the message ends with the builder's own."""


def digest(folder: Path) -> str:
    """Of all that an image is made of; its tag."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def build(folder: Path, target: str, reference: str, **more: str) -> str:
    """Build a stage of folder/Dockerfile, with `more` arguments, and tag it.

    Images stay: they are the next run's cache.
    """
    base = base_image.ensure_base("upstream" if base_image.registry_answers() else "build")
    build_base = base_image.ensure_build_base(base, trust.find()) or base
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"BUILD_BASE={build_base}"]
    arguments += [part for name, value in more.items() for part in ("--build-arg", f"{name}={value}")]
    done = subprocess.run(
        ["docker", "build", "--quiet", "--target", target, "--tag", reference, *arguments, str(folder)],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    if done.returncode:
        raise BuildError(f"{folder} does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return reference
