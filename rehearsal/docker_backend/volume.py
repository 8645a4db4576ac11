"""`docker:index/volume:Volume`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rehearsal.backend import Existing, Log, Properties, ResourceFailedError
from rehearsal.docker_backend.connection import GoneError, docker_errors
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.release import delete_when_free
from rehearsal.docker_backend.schema import LABELS, TEXT, TEXT_MAP, Field, Fields, label_map


class VolumeKind(Kind):
    """A volume. Its id is its name; every change replaces it."""

    token = "docker:index/volume:Volume"
    fields: ClassVar[Fields] = {
        "name": TEXT,
        "driver": Field(str, keeps=True),
        "driverOpts": TEXT_MAP,
        "labels": LABELS,
    }

    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Create; Docker gives back a volume of this name where there is one, as the provider does."""
        del log
        with docker_errors(f"create volume {inputs['name']}"):
            self.api.create_volume(
                inputs["name"],
                driver=inputs.get("driver"),
                driver_opts=inputs.get("driverOpts"),
                labels=label_map(inputs.get("labels")),
            )
        made = self.read(inputs["name"], self.own_outputs(urn, inputs))
        if made is None:
            raise ResourceFailedError(f"Volume {inputs['name']} went away as it was made. Run again.")
        return made

    def find(self, inputs: Properties) -> str | None:
        """The volume of this name and these labels."""
        seen = self._inspect(inputs["name"])
        if seen is None:
            return None
        labels = label_map(inputs.get("labels")).items()
        return inputs["name"] if labels <= (seen.get("Labels") or {}).items() else None

    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The volume as it is, or None."""
        seen = self._inspect(id_)
        if seen is None:
            return None
        inputs = self.inputs_in(known)
        missing = {"driver": seen["Driver"]}
        observed = {"name": seen["Name"], "mountpoint": seen["Mountpoint"]}
        return Existing(id_, self.outputs_of(known, inputs, missing, observed), inputs)

    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Delete, or name the containers that still use it."""
        del outputs
        delete_when_free(
            f"volume {id_}",
            lambda: self.api.remove_volume(id_),
            lambda: self._users(id_),
            log,
        )

    def _users(self, id_: str) -> str:
        with docker_errors(f"look for the containers of volume {id_}"):
            users = self.api.containers(all=True, filters={"volume": id_})
        names = sorted(name.lstrip("/") for each in users for name in each["Names"])
        return (
            f"{', '.join(names) or 'something'} still uses it. "
            "Remove it with `docker rm -f <container>`, then run again."
        )

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            with docker_errors(f"read volume {name}"):
                return self.api.inspect_volume(name)
        except GoneError:
            return None
