"""A backend whose target is a folder: files and folders, with the manners of a real provider.

`file:index:File`    content is updated in place, name and folder force replacement.
`file:index:Folder`  cannot be deleted while something is in it; a new label forces replacement, delete first.

A run is killed where SLAY says: `<create|update|delete>:<before|after>:<logical name>`.
"""

import os
import re
import secrets
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.backend import UNKNOWN, Diff, Existing, Log, Properties, RefusedError, ResourceFailedError

FILE = "file:index:File"
FOLDER = "file:index:Folder"
_KNOWN = {
    FILE: {"name", "folder", "content", "labels", "fail", "leave", "seconds"},
    FOLDER: {"name", "label"},
}
_REPLACES = {FILE: {"name", "folder"}, FOLDER: {"name", "label"}}


def _slay(moment: str, path: Path) -> None:
    asked = os.environ.get("SLAY", "")
    if asked and asked.rsplit(":", 1)[0] == moment and asked.rsplit(":", 1)[1] in path.name:
        os.kill(os.getpid(), signal.SIGKILL)


class FileBackend:
    """One root folder, from the provider's input `root`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        if set(settings) - {"root"}:
            raise RefusedError(f"provider input {sorted(settings)}")
        self._root = Path(settings["root"])

    def supports(self, type_token: str) -> bool:
        return type_token in _KNOWN

    def check(self, type_token: str, name: str, inputs: Properties, old: Properties | None) -> Properties:
        unknown = set(inputs) - _KNOWN[type_token]
        if unknown:
            raise RefusedError(f"{type_token} has no input {sorted(unknown)}. Next step: remove it")
        former = (old or {}).get("name", "")
        kept = former if re.search("-[0-9a-f]{7}$", former) else f"{name}-{secrets.token_hex(4)[:7]}"
        return {"name": kept, **inputs}

    def diff(self, type_token: str, old: Existing, new: Properties) -> Diff:
        keys = sorted(key for key in {*old.inputs, *new} if old.inputs.get(key) != new.get(key))
        replace = tuple(key for key in keys if key in _REPLACES[type_token])
        first = type_token == FOLDER and old.inputs.get("name") == new.get("name")
        return Diff(tuple(keys), replace, delete_before_replace=bool(replace) and first)

    def preview(self, type_token: str, inputs: Properties) -> Properties:
        assert type_token in _KNOWN
        return {"name": inputs["name"]}

    def _path(self, inputs: Mapping[str, Any]) -> Path:
        folder = inputs.get("folder", ".")
        assert UNKNOWN not in (folder, inputs["name"]), "an unknown reached an operation"
        return self._root / str(folder) / str(inputs["name"])

    def create(
        self, type_token: str, urn: str, inputs: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        del seconds
        assert urn.startswith("urn:pulumi:")
        path = self._path(inputs)
        _slay("create:before", path)
        log(f"writing {path.name}")
        time.sleep(inputs.get("seconds", 0))
        if inputs.get("fail"):
            if inputs.get("leave"):
                path.write_text("half")
            raise ResourceFailedError(f"no luck with {path.name}", str(path) if path.exists() else None)
        if path.exists():
            raise ResourceFailedError(f"{path} exists")
        if type_token == FOLDER:
            path.mkdir()
        else:
            path.write_text(inputs["content"])
        _slay("create:after", path)
        return self._existing(type_token, path, inputs)

    def _existing(self, type_token: str, path: Path, inputs: Mapping[str, Any]) -> Existing:
        made = {key: value for key, value in inputs.items() if key in _KNOWN[type_token]}
        if type_token == FILE:
            made["content"] = path.read_text()
        outputs = {**made, "path": str(path)}
        if type_token == FILE:
            outputs["size"] = path.stat().st_size
        return Existing(str(path), outputs, made)

    def find(self, type_token: str, inputs: Properties) -> str | None:
        del type_token
        path = self._path(inputs)
        return str(path) if path.exists() else None

    def read(self, type_token: str, id_: str, known: Mapping[str, Any]) -> Existing | None:
        path = Path(id_)
        return self._existing(type_token, path, known) if path.exists() else None

    def update(
        self, type_token: str, old: Existing, new: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        del seconds
        path = Path(old.id)
        _slay("update:before", path)
        log(f"changing {path.name}")
        path.write_text(new["content"])
        _slay("update:after", path)
        return self._existing(type_token, path, new)

    def delete(
        self,
        type_token: str,
        id_: str,
        outputs: Mapping[str, Any],
        log: Log,
        seconds: float | None = None,
    ) -> None:
        del seconds
        path = Path(id_)
        assert type_token in _KNOWN
        assert outputs["name"] == path.name
        _slay("delete:before", path)
        if path.is_dir() and any(path.iterdir()):
            raise ResourceFailedError(f"{path.name} has {sorted(each.name for each in path.iterdir())} in it")
        log(f"removing {path.name}")
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        _slay("delete:after", path)
