"""What the rehearsal engine asks of a backend: the provider's half of the resource model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is known only after the update (the sentinel of Pulumi's wire format)."""

Properties = dict[str, Any]
"""Plain property values in camelCase as they cross the resource monitor; secrets already unwrapped."""

Log = Callable[[str], None]


class RefusedError(Exception):
    """An input, type or change that the rehearsal does not implement; names it and the next step."""


class ResourceFailedError(Exception):
    """The target refused or broke an operation; `created` is the id of what it left behind, if anything."""

    def __init__(self, message: str, created: str | None = None) -> None:
        super().__init__(message)
        self.created = created


@dataclass(frozen=True)
class Diff:
    """How new inputs differ from the resource that exists. Empty `changed` means nothing to do."""

    changed: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class Existing:
    """A resource as it is: its id, its outputs, and the inputs that would describe it."""

    id: str
    outputs: Properties
    inputs: Properties


class Backend(Protocol):
    """One target (a Docker engine, a Kubernetes API server). All methods are synchronous and thread-safe."""

    def supports(self, type_token: str) -> bool:
        """Whether the backend implements the Pulumi type, e.g. `docker:index/container:Container`."""

    def check(self, type_token: str, name: str, inputs: Properties, old: Properties | None) -> Properties:
        """Inputs with the provider's auto-name (kept from `old` where set) filled in.

        Raises RefusedError for an input the backend does not know. Values may be `UNKNOWN` in a preview.
        """

    def diff(self, type_token: str, old: Existing, new: Properties) -> Diff:
        """Compare checked inputs with what exists."""

    def preview(self, type_token: str, inputs: Properties) -> Properties:
        """Outputs known before creation; what is not known is left out (the engine marks it unknown)."""

    def create(
        self, type_token: str, urn: str, inputs: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Create and wait until the resource is usable. Raises ResourceFailedError.

        `seconds` here and below is the option `custom_timeouts`; a backend that does not wait ignores it.
        """

    def find(self, type_token: str, inputs: Properties) -> str | None:
        """The id of an object that an interrupted `create` with these inputs left behind."""

    def read(self, type_token: str, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The resource as it is now, or None when it is gone."""

    def update(
        self, type_token: str, old: Existing, new: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Change in place what `diff` said needs no replacement."""

    def delete(
        self,
        type_token: str,
        id_: str,
        outputs: Mapping[str, Any],
        log: Log,
        seconds: float | None = None,
    ) -> None:
        """Delete; an object that is already gone is not an error."""
