"""The list of what a published model consists of, and whether the files still are that."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from model_tools import __version__
from model_tools.content import Expected, content_of, sync_folder
from model_tools.quality import Quality
from model_tools.source_spec import MANIFEST
from model_tools.spec import Spec

SCHEMA_VERSION = 2


class ListedFile(BaseModel):
    """`mtime_ns` tells a rewritten file from an untouched one without reading it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    bytes: int
    sha256: str
    mtime_ns: int


class Manifest(BaseModel):
    """Written last into a model's folder; what it does not list is not served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    """2 since `quality`; manifests without a version are read as 1 and stay good."""
    model: str
    variant: str
    source: dict[str, Any]
    convert: dict[str, Any] | None
    quality: Quality | None = None
    """Of a conversion; null for what is served as it was downloaded, and before version 2."""
    files: tuple[ListedFile, ...]
    tool_version: str
    created: str

    @classmethod
    def of(cls, spec: Spec, folder: Path) -> Manifest:
        """Hash every file below `folder`."""
        wanted = spec.model_dump(mode="json", by_alias=True)
        return cls(
            schema_version=SCHEMA_VERSION,
            model=spec.model,
            variant=spec.variant,
            source=wanted["source"],
            convert=wanted["convert"],
            quality=Quality.read(folder) if spec.convert else None,
            files=tuple(_list(folder, name) for name in sorted(_files(folder))),
            tool_version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """None where there is none or it is not readable as one."""
        try:
            return cls.model_validate_json((folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            return None

    def write(self, folder: Path) -> None:
        """Atomically and durably; readers see the old one or the new one."""
        part = folder / f".{MANIFEST}.part"
        with part.open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / MANIFEST)
        sync_folder(folder)

    def matches(self, spec: Spec) -> bool:
        """Whether this was made from what `spec` names."""
        wanted = spec.model_dump(mode="json", by_alias=True)
        return (self.source, self.convert) == (wanted["source"], wanted["convert"])

    def problem(self, folder: Path, *, thorough: bool) -> str | None:
        """What is wrong with the files in `folder`, or None.

        Files are hashed where `thorough` is asked for or their time changed. A file that
        only got another time (a restored backup) is no problem.
        """
        listed = {file.name for file in self.files}
        extra = sorted(_files(folder) - listed - {MANIFEST, f".{MANIFEST}.part"})
        if extra:
            return f"{extra[0]} is not listed in the manifest"
        for file in self.files:
            found = _file_problem(folder / file.name, file, thorough=thorough)
            if found:
                return f"{file.name} {found}"
        return None


def _file_problem(path: Path, listed: ListedFile, *, thorough: bool) -> str | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return "is missing"
    if not stat.S_ISREG(status.st_mode):
        return "is not a plain file"
    if status.st_size != listed.bytes:
        return f"has {status.st_size} bytes instead of {listed.bytes}"
    if thorough or status.st_mtime_ns != listed.mtime_ns:
        return content_of(path, Expected(listed.name, listed.bytes, listed.sha256)).problem()
    return None


def _files(folder: Path) -> set[str]:
    """Everything below `folder` that is not a folder, links included."""
    return {
        str((Path(base) / name).relative_to(folder))
        for base, folders, names in os.walk(folder)
        for name in [*names, *(entry for entry in folders if (Path(base) / entry).is_symlink())]
    }


def _list(folder: Path, name: str) -> ListedFile:
    path = folder / name
    content = content_of(path, Expected(name))
    return ListedFile(
        name=name,
        bytes=content.size,
        sha256=content.sha256,
        mtime_ns=path.stat().st_mtime_ns,
    )
