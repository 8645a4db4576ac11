"""What every kind of run shares: names, default providers, refusals and failures."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from threading import RLock
from typing import Any

from rehearsal.backend import UNKNOWN, RefusedError, ResourceFailedError
from rehearsal.errors import RehearsalError
from rehearsal.model import Answer, Registration
from rehearsal.urns import STACK_TYPE, make_urn, package_of
from rehearsal.values import plain

PROVIDER_PREFIX = "pulumi:providers:"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
_REFUSED_CONFIG = ("pulumi:disable-default-providers", "pulumi:autonaming")


class SkippedError(Exception):
    """Not tried, because something it depends on failed."""


class BaseEngine(ABC):
    """Implements `rehearsal.model.Engine` but for `step`, `finish` and `reference`."""

    def __init__(self, project: str, stack: str, config: Mapping[str, str]) -> None:
        for key in _REFUSED_CONFIG:
            if key in config:
                raise RehearsalError(
                    f"config {key}", "the rehearsal does not implement it", f"config rm {key}"
                )
        self.project = project
        self.stack = stack
        self.config = config
        self.failures: dict[str, str] = {}
        self.skipped: set[str] = set()
        self.lock = RLock()
        self._seen: set[str] = set()
        self._default_providers: dict[str, str] = {}

    @abstractmethod
    def step(self, urn: str, wanted: Registration) -> Answer:
        """Do what the registration asks for."""

    @abstractmethod
    def finish(self, urn: str, outputs: dict[str, Any]) -> None:
        """Keep a component's outputs."""

    @abstractmethod
    def reference(self, urn: str, wanted: Registration, id_: str) -> Answer:
        """Answer a StackReference."""

    def register(self, wanted: Registration) -> Answer:
        urn = make_urn(self.stack, self.project, wanted.parent, wanted.type, wanted.name)
        return self._guarded(urn, wanted, lambda: self._register(urn, wanted))

    def _register(self, urn: str, wanted: Registration) -> Answer:
        if wanted.refused:
            raise RefusedError(
                f"the rehearsal does not implement the option {', '.join(wanted.refused)}. "
                "Next step: remove it or run this stack with the Pulumi CLI"
            )
        if wanted.type.startswith(PROVIDER_PREFIX):
            wanted.inputs = provider_inputs(wanted)
        elif wanted.custom and wanted.type != STACK_TYPE and not wanted.provider:
            wanted.provider = self._default_provider(wanted)
        return self.step(urn, wanted)

    def _guarded(self, urn: str, wanted: Registration, action: Any) -> Answer:
        """Turn what goes wrong with one resource into a failed answer: the program goes on with the rest."""
        try:
            self._claim(urn)
            self._skip_after_failures(wanted)
            answer: Answer = action()
        except SkippedError as reason:
            with self.lock:
                self.skipped.add(urn)
            self.message("debug", f"skipped: {reason}", urn)
        except (RefusedError, ResourceFailedError, RehearsalError) as error:
            self.fail(urn, str(error))
        except Exception as error:  # a backend's own mistake must not stop what runs beside it
            self.fail(urn, f"{type(error).__name__}: {error}")
        else:
            return answer
        return Answer(urn, failed=True)

    def _claim(self, urn: str) -> None:
        with self.lock:
            if urn in self._seen:
                raise RehearsalError(
                    f"duplicate resource URN {urn}", "a URN is unique", "give it another name"
                )
            self._seen.add(urn)

    def _skip_after_failures(self, wanted: Registration) -> None:
        needed = [wanted.parent, wanted.provider.rsplit("::", 1)[0], *wanted.dependencies]
        with self.lock:
            broken = [each for each in needed if each in self.failures or each in self.skipped]
        if broken:
            raise SkippedError(f"{broken[0]} failed")

    def fail(self, urn: str, text: str) -> None:
        """Note a failure; the run ends with all of them."""
        with self.lock:
            self.failures[urn] = text
        self.message("error", text, urn)

    def _default_provider(self, wanted: Registration) -> str:
        """The reference `urn::id` of the package's default provider, registered on first use."""
        package = package_of(wanted.type)
        name = default_provider_name(wanted.version, wanted.plugin_download_url)
        type_ = PROVIDER_PREFIX + package
        urn = make_urn(self.stack, self.project, "", type_, name)
        with self.lock:
            if urn not in self._default_providers:
                prefix = f"{package}:"
                inputs = {
                    key.removeprefix(prefix): value
                    for key, value in self.config.items()
                    if key.startswith(prefix)
                }
                ask = Registration(
                    type=type_,
                    name=name,
                    custom=True,
                    inputs=inputs,
                    version=wanted.version,
                    plugin_download_url=wanted.plugin_download_url,
                )
                answer = self.register(ask)
                if answer.failed:
                    raise SkippedError(f"{urn} failed")
                self._default_providers[urn] = f"{urn}::{answer.id or UNKNOWN}"
            return self._default_providers[urn]

    def outputs(self, urn: str, outputs: dict[str, Any]) -> None:
        with self.lock:
            broken = urn in self.failures or urn in self.skipped
        if not broken:
            self.finish(urn, outputs)

    def read(self, wanted: Registration, id_: str) -> Answer:
        urn = make_urn(self.stack, self.project, wanted.parent, wanted.type, wanted.name)
        if wanted.type != STACK_REFERENCE:
            problem = RefusedError(
                f"the rehearsal does not implement reading existing resources ({wanted.type}). "
                "Next step: run this stack with the Pulumi CLI"
            )
            self.fail(urn, str(problem))
            return Answer(urn, failed=True)
        return self._guarded(urn, wanted, lambda: self.reference(urn, wanted, id_))

    def invoke(self, token: str, args: dict[str, Any], provider: str) -> dict[str, Any]:
        del args, provider
        raise RefusedError(
            f"the rehearsal does not implement the function {token}. "
            "Next step: pass the value in, or run this stack with the Pulumi CLI"
        )

    @abstractmethod
    def message(self, severity: str, text: str, urn: str) -> None:
        """Pass on what the program or the SDK says."""


def default_provider_name(version: str, url: str) -> str:
    """`default_5_2_0`, as ProviderRequest.DefaultName of the real engine."""
    name = "default"
    if version:
        name += "_" + re.sub(r"[.+-]", "_", version)
    if url:
        name += "_" + re.sub(r"[^A-Za-z0-9_./-]", "_", url.split("://", 1)[-1])
    return name


def provider_inputs(wanted: Registration) -> dict[str, Any]:
    """What the real engine adds to a provider's inputs."""
    inputs = dict(wanted.inputs)
    if wanted.version:
        inputs |= {"__internal": {}, "version": wanted.version}
    if wanted.plugin_download_url:
        inputs["__internal"] = {"pluginDownloadURL": wanted.plugin_download_url}
    return inputs


def provider_settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's inputs without what the engine added: what its backend is configured with."""
    return {key: plain(value) for key, value in inputs.items() if key not in ("__internal", "version")}
