"""The backend: which type goes where."""

from collections.abc import Mapping
from typing import Any

from rehearsal.backend import Diff, Existing, Log, Properties, RefusedError
from rehearsal.docker_backend.connection import Connection
from rehearsal.docker_backend.container import ContainerKind
from rehearsal.docker_backend.image import ImageKind
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.network import NetworkKind
from rehearsal.docker_backend.remote_image import RemoteImageKind
from rehearsal.docker_backend.volume import VolumeKind

KINDS: tuple[type[Kind], ...] = (
    NetworkKind,
    VolumeKind,
    ContainerKind,
    ImageKind,
    RemoteImageKind,
)


class DockerBackend:
    """Docker for the rehearsal engine; see `rehearsal.backend.Backend` for each method.

    `host` is the engine's address, default DOCKER_HOST or the current `docker context`. Nothing is
    opened before the first use.
    """

    def __init__(self, host: str | None = None) -> None:
        self._connection = Connection(host)
        self._kinds = {each.token: each(self._connection) for each in KINDS}

    def close(self) -> None:
        """Close the connections to the engine."""
        self._connection.close()

    def supports(self, type_token: str) -> bool:
        """Whether the type is implemented here."""
        return type_token in self._kinds

    def check(self, type_token: str, name: str, inputs: Properties, old: Properties | None) -> Properties:
        """Checked inputs with an automatic name filled in. Raises RefusedError."""
        return self._kind(type_token).check(name, inputs, old)

    def diff(self, type_token: str, old: Existing, new: Properties) -> Diff:
        """How `new` differs from what exists."""
        return self._kind(type_token).diff(old, new)

    def preview(self, type_token: str, inputs: Properties) -> Properties:
        """Outputs known before creation."""
        return self._kind(type_token).preview(inputs)

    def create(
        self, type_token: str, urn: str, inputs: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Create and wait until usable (`waitTimeout`; `seconds` is not used). Raises ResourceFailedError."""
        del seconds
        return self._kind(type_token).create(urn, inputs, log)

    def find(self, type_token: str, inputs: Properties) -> str | None:
        """The id of what an interrupted create left behind."""
        return self._kind(type_token).find(inputs)

    def read(self, type_token: str, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The object as it is; `known` are its outputs as last recorded."""
        return self._kind(type_token).read(id_, known)

    def update(
        self, type_token: str, old: Existing, new: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Change in place."""
        del seconds
        return self._kind(type_token).update(old, new, log)

    def delete(
        self,
        type_token: str,
        id_: str,
        outputs: Mapping[str, Any],
        log: Log,
        seconds: float | None = None,
    ) -> None:
        """Delete; gone already is fine."""
        del seconds
        self._kind(type_token).delete(id_, outputs, log)

    def _kind(self, type_token: str) -> Kind:
        if type_token not in self._kinds:
            raise RefusedError(
                f"{type_token}: the rehearsal implements {', '.join(self._kinds)} of Docker. "
                "Run the program with the Pulumi CLI."
            )
        return self._kinds[type_token]
