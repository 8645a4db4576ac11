"""What passes between the SDK's resource monitor and whoever plays the engine."""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Alias:
    """A former identity: either a whole URN or the parts that differ (empty = as now)."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass
class Registration:
    """A resource as the program asks for it, after transforms. `inputs` may hold Secret and UNKNOWN."""

    type: str
    name: str
    parent: str = ""
    custom: bool = False
    inputs: dict[str, Any] = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    provider: str = ""
    providers: dict[str, str] = field(default_factory=dict)
    version: str = ""
    plugin_download_url: str = ""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    custom_timeouts: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Names of options in use that the rehearsal does not implement."""


@dataclass(frozen=True)
class Answer:
    """What the program gets back. An empty id and missing outputs are unknown in a preview."""

    urn: str
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    failed: bool = False


class Engine(Protocol):
    """Plays the engine for one run of a program. Called from many threads."""

    def register(self, wanted: Registration) -> Answer:
        """Called when every dependency is resolved; returns when the resource is done."""

    def outputs(self, urn: str, outputs: dict[str, Any]) -> None:
        """A component (or the stack) has finished with these outputs."""

    def read(self, wanted: Registration, id_: str) -> Answer:
        """A resource that exists elsewhere, above all a StackReference."""

    def invoke(self, token: str, args: dict[str, Any], provider: str) -> dict[str, Any]:
        """A provider function."""

    def message(self, severity: str, text: str, urn: str) -> None:
        """`pulumi.log`: severity is debug, info, warning or error."""
