"""Where the files of a model come from, and how they are turned into what an engine serves.

The field names are those of the specification that docker/model-tools reads.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog.errors import KitError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Row):
    """A file to have, under the name it is served by."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
    sha256: Sha256
    bytes: Annotated[int, Field(gt=0)]


class HubFile(_Row):
    """A file of a hub repository; sha256 and size may be open where only the hub knows them."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
    sha256: Sha256 | None = None
    bytes: Annotated[int, Field(gt=0)] | None = None


class Member(File):
    """A file inside a wheel."""

    member: str


class UrlFile(File):
    """A file at an address of its own."""

    url: Annotated[str, Field(pattern=r"^https?://")]


def _digest_of(files: Sequence[File]) -> str:
    """One digest for a list of files, as docker/model-tools computes it: one file stands for itself."""
    if len(files) == 1:
        return files[0].sha256
    listing = "".join(sorted(f"{file.sha256}  {file.name}\n" for file in files))
    return hashlib.sha256(listing.encode()).hexdigest()


class _Pinned(_Row):
    """A source that names digests itself."""

    @property
    def locked(self) -> bool:
        """Always: what it holds is known by its digests."""
        return True


class PypiSource(_Pinned):
    """A wheel on a Python package index."""

    kind: Literal["pypi"]
    package: str
    version: str
    file: str
    sha256: Sha256
    members: Annotated[tuple[Member, ...], Field(min_length=1)]

    @property
    def identity(self) -> str:
        """What the store's path is named after: changes when the content can change."""
        return self.sha256


class HubSource(_Row):
    """A repository of the Hugging Face hub at a pinned revision."""

    kind: Literal["hf"]
    repository: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """None where only the hub can tell; `make lock-models` asks it and writes the lock."""
    files: tuple[HubFile, ...] = ()
    patterns: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9*][A-Za-z0-9*._/-]*$")], ...] = ()
    """Which files of the repository are wanted (`*` stays in its folder); `make lock-models` lists them."""

    @model_validator(mode="after")
    def _wants_something(self) -> "HubSource":
        if not self.files and not self.patterns:
            raise ValueError("name files or patterns")
        return self

    @property
    def locked(self) -> bool:
        """Whether revision and files are known."""
        return self.revision is not None and bool(self.files)

    @property
    def identity(self) -> str:
        if self.revision is None:
            raise KitError(
                f"{self.repository} on the hub",
                "its revision is open, so what would be served is not known",
                "Run `make lock-models` where the hub answers.",
            )
        return self.revision


class HttpsSource(_Pinned):
    """Files at addresses of their own."""

    kind: Literal["https"]
    files: Annotated[tuple[UrlFile, ...], Field(min_length=1)]

    @property
    def identity(self) -> str:
        return _digest_of(self.files)


class FolderSource(_Pinned):
    """Files in a folder of the host, mounted read-only; for sites without any network."""

    kind: Literal["file"]
    files: Annotated[tuple[File, ...], Field(min_length=1)]

    @property
    def identity(self) -> str:
        return _digest_of(self.files)


class OciSource(_Pinned):
    """An artifact in an OCI registry, by digest."""

    kind: Literal["oci"]
    reference: Annotated[str, Field(pattern=r"@sha256:[0-9a-f]{64}$")]
    files: tuple[File, ...]

    @property
    def identity(self) -> str:
        return self.reference.rpartition(":")[2]


Source = Annotated[
    PypiSource | HubSource | HttpsSource | FolderSource | OciSource, Field(discriminator="kind")
]


class Conversion(_Row):
    """A conversion the kit makes itself, in docker/model-tools."""

    from_: Annotated[Literal["gguf", "hf"], Field(alias="from")]
    to: Literal["onnx", "gguf"]
    quantization: Literal["int4", "int8", "fp16", "q4_k_m", "q8_0"]
    """int4, int8 and fp16 for onnx; q4_k_m, q8_0 and fp16 for gguf."""
    accuracy_level: Annotated[int, Field(ge=1, le=4)] = 4
    """ONNX Runtime's int4 accuracy level; 4 computes in int8, the fast one on CPUs."""


def specification(model: str, variant: str, source: Source, convert: Conversion | None) -> dict[str, Any]:
    """What docker/model-tools is asked to have in the store, as JSON-able data."""
    wanted_source = source.model_dump(mode="json", exclude={"patterns"})
    if source.kind == "file":
        wanted_source["root"] = "/source"
    return {
        "model": model,
        "variant": variant,
        "path": store_path(model, variant, source),
        "source": wanted_source,
        "convert": None if convert is None else convert.model_dump(mode="json", by_alias=True),
    }


def store_path(model: str, variant: str, source: Source) -> str:
    """Folder of a variant inside the store: `<model>/<variant>/<16 hex digits of the source>`."""
    return f"{model}/{variant}/{source.identity[:16]}"
