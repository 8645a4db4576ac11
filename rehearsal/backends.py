"""Which backend serves which provider package."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.backend import Backend, RefusedError
from rehearsal.errors import RehearsalError

Factory = Callable[[Mapping[str, Any]], Backend]
"""Makes a backend from a provider's inputs (`host`, …); refuses an input it does not know."""


def _docker(settings: Mapping[str, Any]) -> Backend:
    unknown = sorted(set(settings) - {"host"})
    if unknown:
        raise RefusedError(
            f"the rehearsal does not implement the docker provider's input {', '.join(unknown)}. "
            "Next step: remove it, or set DOCKER_HOST"
        )
    # Imported on use: a stack without Docker needs no Docker SDK.
    module = importlib.import_module("rehearsal.docker_backend")
    backend: Backend = module.DockerBackend(host=settings.get("host"))
    return backend


def _kubernetes(settings: Mapping[str, Any]) -> Backend:
    module = importlib.import_module("rehearsal.kubernetes_backend")
    backend: Backend = module.KubernetesBackend(module.settings_of(settings))
    return backend


BUILT_IN: Mapping[str, Factory] = {"docker": _docker, "kubernetes": _kubernetes}


def factories(extra: list[str]) -> dict[str, Factory]:
    """The built-in backends and those named on the command line as `package=module:callable`."""
    found = dict(BUILT_IN)
    for text in extra:
        package, _, target = text.partition("=")
        module, _, name = target.partition(":")
        try:
            found[package] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise RehearsalError(
                f"--backend {text} ({error})", "it is package=module:callable", "correct the name"
            ) from error
    return found
