"""What the hub was found to hold: models.lock.yaml, its schema, and how it completes the catalog.

The catalog says which repository and which files are wanted; only the hub knows at which commit they
are and what they contain. `make lock-models` asks it and writes that here, one entry a repository, so
that every machine serves the same bytes.
"""

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from catalog.errors import KitError, complaints
from catalog.sources import File, HubFile, HubSource, Source

LOCK_FILE = Path(__file__).with_name("models.lock.yaml")

HEADING = """\
# Written by `make lock-models`, which asks the hub; do not edit. One entry a repository: the commit, what of
# it the catalog wants, and every file of that with its size and SHA-256. A source that the catalog pins
# itself, revision and files, needs no entry.
"""


class LockedRepository(BaseModel):
    """One repository of the hub at one commit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    wanted: tuple[str, ...]
    """Names and patterns that were asked for; the lock answers for these and no others."""
    files: Annotated[tuple[File, ...], Field(min_length=1)]


Lock = Mapping[str, LockedRepository]
"""Repositories by name."""

_SCHEMA: TypeAdapter[dict[str, LockedRepository]] = TypeAdapter(dict[str, LockedRepository])


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """The lock, empty where there is no file yet. Raises KitError for one that breaks the schema."""
    if not path.exists():
        return {}
    try:
        return _SCHEMA.validate_python(yaml.safe_load(path.read_text("utf-8")) or {})
    except (ValidationError, yaml.YAMLError) as error:
        said = complaints(error) if isinstance(error, ValidationError) else str(error)
        raise KitError(str(path), said, "Run `make lock-models`, or take the file from git.") from error


def write_lock(lock: Lock, path: Path = LOCK_FILE) -> None:
    """Replace the lock at once, so that an interrupted run leaves the old or the new one, whole."""
    rows = {name: lock[name].model_dump(mode="json") for name in sorted(lock)}
    text = HEADING + yaml.safe_dump(rows, sort_keys=False, width=110) if rows else HEADING
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def wanted_of(source: HubSource) -> set[str]:
    """Names and patterns of a source."""
    return {*source.patterns, *(file.name for file in source.files)}


def matches(name: str, wanted: Iterable[str]) -> bool:
    """Whether a file is wanted; `*` stands for letters of one folder's name, never for a slash."""
    parts = name.split("/")
    return any(
        len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))
        for pattern in (each.split("/") for each in wanted)
    )


def completed(source: Source, lock: Lock) -> Source:
    """The source with revision and files of the lock; as it is where the lock does not answer for it."""
    if source.kind != "hf" or (entry := lock.get(source.repository)) is None:
        return source
    if source.revision not in (None, entry.revision) or not wanted_of(source) <= set(entry.wanted):
        return source  # The catalog moved on since; what it pins itself holds.
    found = [file for file in entry.files if matches(file.name, wanted_of(source))]
    for file in found:
        refuse_contradiction(source, file)
    files = tuple(HubFile(**file.model_dump()) for file in found)
    return source.model_copy(update={"revision": entry.revision, "files": files})


def refuse_contradiction(source: HubSource, found: File) -> None:
    """Raise KitError where the catalog knows a digest or size of a file and the hub gave another."""
    for known in source.files:
        if known.name != found.name:
            continue
        if known.sha256 not in (None, found.sha256) or known.bytes not in (None, found.bytes):
            raise KitError(
                f"{source.repository}: {found.name}",
                f"the catalog says SHA-256 {known.sha256}, {known.bytes} bytes; "
                f"the hub has {found.sha256}, {found.bytes} bytes",
                "Find out which is right, and correct catalog/models or its revision.",
            )
