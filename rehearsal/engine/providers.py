"""Providers: which backend serves a resource, configured how."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from rehearsal.backend import Backend, RefusedError
from rehearsal.backends import Factory
from rehearsal.engine.core import provider_settings
from rehearsal.urns import package_of, type_of
from rehearsal.values import has_unknown

Inputs = Callable[[str], Mapping[str, Any] | None]


class Providers:
    """Backends by provider URN, made on first use."""

    def __init__(self, factories: Mapping[str, Factory]) -> None:
        self._factories = factories
        self._inputs: dict[str, dict[str, Any]] = {}
        self._backends: dict[str, Backend] = {}
        self._lock = Lock()

    def configure(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """A provider is registered (or was, in the state) with these inputs."""
        with self._lock:
            self._inputs[urn] = dict(inputs)
            self._backends.pop(urn, None)

    def require_package(self, type_: str) -> None:
        """Refuse a provider of a package nobody implements."""
        package = package_of(type_)
        if package not in self._factories:
            known = ", ".join(sorted(self._factories)) or "none"
            raise RefusedError(
                f"the rehearsal has no backend for the package {package!r} (it has: {known}). "
                "Next step: run this stack with the Pulumi CLI"
            )

    def backend(self, provider: str, type_: str) -> Backend:
        """The backend behind a provider (URN or `urn::id`) for resources of a type."""
        urn = provider if provider in self._inputs else provider.rsplit("::", 1)[0]
        package = package_of(type_of(urn)) if urn else package_of(type_)
        self.require_package(package)
        with self._lock:
            if urn not in self._backends:
                settings = provider_settings(self._inputs.get(urn, {}))
                if has_unknown(settings):
                    raise RefusedError(
                        f"the provider {urn} is configured with values that are not known yet. "
                        "Next step: put what it needs into a stack of its own"
                    )
                self._backends[urn] = self._factories[package](settings)
            backend = self._backends[urn]
        if not backend.supports(type_):
            raise RefusedError(
                f"the rehearsal does not implement the type {type_}. "
                "Next step: see docs/rehearsal.md for what it does, or use the Pulumi CLI"
            )
        return backend
