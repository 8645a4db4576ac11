"""`render`: every resource a program registers, without state, target or credentials."""

from collections.abc import Callable
from typing import Any

from rehearsal.engine.core import PROVIDER_PREFIX, BaseEngine
from rehearsal.model import Answer, Registration
from rehearsal.urns import STACK_TYPE
from rehearsal.values import masked, plain, secret_paths, show_path

Mask = Callable[[Any], str]


class RenderEngine(BaseEngine):
    """Answers every registration with its own inputs; ids and computed outputs stay unknown."""

    def __init__(self, project: str, stack: str, config: dict[str, str], log: Callable[[str], None]) -> None:
        super().__init__(project, stack, config)
        self.registered: dict[str, Registration] = {}
        self.finished: dict[str, dict[str, Any]] = {}
        self._log = log

    def step(self, urn: str, wanted: Registration) -> Answer:
        with self.lock:
            self.registered[urn] = wanted
        if not wanted.custom:
            return Answer(urn)
        known = "" if not wanted.type.startswith(PROVIDER_PREFIX) else "render"
        return Answer(urn, id=known, outputs=wanted.inputs)

    def finish(self, urn: str, outputs: dict[str, Any]) -> None:
        with self.lock:
            self.finished[urn] = outputs

    def reference(self, urn: str, wanted: Registration, id_: str) -> Answer:
        with self.lock:
            self.registered[urn] = wanted
        return Answer(urn, id=id_, outputs=wanted.inputs)

    def message(self, severity: str, text: str, urn: str) -> None:
        if severity != "debug":
            self._log(f"{severity}: {text}" + (f" ({urn})" if urn else ""))

    def document(self, mask: Mask | None) -> dict[str, Any]:
        """The rendering as JSON-able data in a stable order; `mask` None shows secrets."""
        resources = [
            _entry(urn, wanted, self.finished.get(urn, {}), mask)
            for urn, wanted in sorted(self.registered.items())
        ]
        root = next((each["urn"] for each in resources if each["type"] == STACK_TYPE), "")
        outputs = self.finished.get(root, {})
        return {
            "project": self.project,
            "stack": self.stack,
            "resources": resources,
            "outputs": _shown(outputs, mask),
            "secretOutputs": _paths(outputs),
        }


def _shown(values: Any, mask: Mask | None) -> Any:
    return plain(values) if mask is None else masked(values, mask)


def _paths(values: Any) -> list[str]:
    return sorted(show_path(path) for path in secret_paths(values))


def _entry(urn: str, wanted: Registration, outputs: dict[str, Any], mask: Mask | None) -> dict[str, Any]:
    """A resource; what is at its default is left out, so that a diff shows what somebody set."""
    full: dict[str, Any] = {
        "urn": urn,
        "type": wanted.type,
        "name": wanted.name,
        "custom": wanted.custom,
        "parent": wanted.parent,
        "provider": wanted.provider.rsplit("::", 1)[0],
        "providers": {key: ref.rsplit("::", 1)[0] for key, ref in wanted.providers.items()},
        "inputs": _shown(wanted.inputs, mask),
        "secretPaths": _paths(wanted.inputs),
        "outputs": _shown(outputs, mask),
        "dependencies": wanted.dependencies,
        "propertyDependencies": {k: v for k, v in wanted.property_dependencies.items() if v},
        "protect": wanted.protect,
        "retainOnDelete": wanted.retain_on_delete,
        "deleteBeforeReplace": wanted.delete_before_replace,
        "ignoreChanges": wanted.ignore_changes,
        "replaceOnChanges": wanted.replace_on_changes,
        "additionalSecretOutputs": wanted.additional_secret_outputs,
        "customTimeouts": wanted.custom_timeouts,
        "aliases": [{k: v for k, v in vars(each).items() if v} for each in wanted.aliases],
    }
    always = ("urn", "type", "name", "custom", "inputs")
    return {key: value for key, value in full.items() if key in always or value}
