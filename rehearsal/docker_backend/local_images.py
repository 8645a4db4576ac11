"""Images on the engine."""

from collections.abc import Callable
from typing import Any

from docker.api import APIClient

from rehearsal.docker_backend.connection import GoneError, docker_errors


def find_image(api: APIClient, name: str) -> dict[str, Any] | None:
    """The image of this name, digest or id as the engine describes it, or None."""
    inspect: Callable[[str], dict[str, Any]] = api.inspect_image
    try:
        with docker_errors(f"look at image {name}"):
            return inspect(name)
    except GoneError:
        return None
