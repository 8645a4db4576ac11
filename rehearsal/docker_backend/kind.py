"""What the five resource types have in common: check, difference, preview."""

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from docker.api import APIClient

from rehearsal.backend import Diff, Existing, Log, Properties, RefusedError
from rehearsal.docker_backend.connection import Connection
from rehearsal.docker_backend.difference import changed
from rehearsal.docker_backend.schema import Fields
from rehearsal.docker_backend.validation import checked

AUTO_NAMED = "__autoNamed"
"""Private output: the name was picked by `check`, so a second object can stand beside the first."""


ASKED = "__asked"
"""Private output: inputs as the program gave them, for outputs that say more than it did."""


class Kind(ABC):
    """One Pulumi type. `fields` lists every input that it implements."""

    token: ClassVar[str]
    fields: ClassVar[Fields]
    picks_names: ClassVar[bool] = True
    deletes_first: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def api(self) -> APIClient:
        """The Docker engine's API."""
        return self._connection.api

    def check(self, name: str, inputs: Properties, old: Properties | None) -> Properties:
        """Inputs that can be created, with a name `<logical name>-<7 hex>` where none is given."""
        good = checked(f"{self.token} {name}", self.fields, inputs)
        if self.picks_names and "name" not in good:
            before = (old or {}).get("name", "")
            keep = is_picked(name, before)
            good["name"] = before if keep else f"{name}-{secrets.token_hex(4)[:7]}"
        self.refuse_impossible(f"{self.token} {name}", good)
        return good

    def refuse_impossible(self, where: str, inputs: Properties) -> None:
        """Raise RefusedError for a combination of inputs that cannot work; here there is none."""
        del where, inputs

    def diff(self, old: Existing, new: Properties) -> Diff:
        """Changed inputs; delete-before-replace where both objects would need one name."""
        names = changed(self.fields, old.inputs, new)
        replace = tuple(each for each in names if self.must_replace(each, old.inputs, new))
        same_name = self.names_clash(old, new)
        return Diff(names, replace, bool(replace) and (self.deletes_first or same_name))

    def must_replace(self, key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of this input needs a new object."""
        del old, new
        return self.fields[key].replaces

    def names_clash(self, old: Existing, new: Properties) -> bool:
        """Whether the new object would have the old one's name, which only one can have."""
        if old.outputs.get(AUTO_NAMED):
            return False
        return "name" in self.fields and old.inputs.get("name") == new.get("name")

    def preview(self, inputs: Properties) -> Properties:
        """Outputs known before creation: the inputs."""
        return dict(inputs)

    def own_outputs(self, urn: str, inputs: Properties) -> Properties:
        """The inputs as outputs, with the private note about the name."""
        picked = self.picks_names and is_picked(urn.rpartition("::")[2], inputs["name"])
        return {**inputs, **({AUTO_NAMED: True} if picked else {})}

    def inputs_in(self, known: Mapping[str, Any]) -> Properties:
        """The program's inputs among known outputs."""
        asked = known.get(ASKED, {})
        given = {key: asked.get(key, known[key]) for key in known if key in self.fields}
        return {key: value for key, value in given.items() if value is not None}

    def outputs_of(
        self,
        known: Mapping[str, Any],
        inputs: Properties,
        missing: Properties,
        observed: Properties,
        completed: Properties | None = None,
    ) -> Properties:
        """Inputs, what the engine filled in for `missing` ones or `completed`, what was `observed`."""
        more = {key: value for key, value in missing.items() if key not in inputs}
        more.update(completed or {})
        private = {key: known[key] for key in known if key not in self.fields and key != ASKED}
        asked = {ASKED: {key: inputs.get(key) for key in more}} if more else {}
        return {**private, **inputs, **more, **observed, **asked}

    @abstractmethod
    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Create and wait until usable."""

    @abstractmethod
    def find(self, inputs: Properties) -> str | None:
        """The id of what an interrupted `create` left behind."""

    @abstractmethod
    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The object as it is, or None."""

    def update(self, old: Existing, new: Properties, log: Log) -> Existing:
        """Change in place; a type in which every change replaces never gets here."""
        del log
        raise RefusedError(f"{self.token} {old.id}: no change to {sorted(new)} is made in place.")

    @abstractmethod
    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Delete; gone already is fine."""


def is_picked(logical: str, name: str) -> bool:
    """Whether `name` is one that `check` picks for a resource of this logical name."""
    return re.fullmatch(re.escape(logical) + "-[0-9a-f]{7}", name) is not None
