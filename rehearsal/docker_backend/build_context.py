"""The files an image is built from: which they are, their digest, their tar."""

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from docker.utils.build import exclude_paths

from rehearsal.backend import Properties, RefusedError

DOCKERFILE = "Dockerfile"

BLOCK = 1024 * 1024


@dataclass(frozen=True)
class BuildContext:
    """A folder and the Dockerfile to build it with, both relative to the program."""

    folder: Path
    dockerfile: Path
    settings: dict[str, Any] = field(default_factory=dict)
    """Whatever else makes it another image: arguments, target, platform."""

    @classmethod
    def of(cls, build: Properties | None) -> "BuildContext":
        """From the `build` input; the defaults are `.` and the Dockerfile in the context."""
        build = build or {}
        folder = Path(build.get("context") or ".")
        settings = {key: each for key, each in build.items() if key not in ("context", "dockerfile")}
        return cls(folder, Path(build.get("dockerfile") or folder / DOCKERFILE), settings)

    def refuse_missing(self, where: str) -> None:
        """Raise RefusedError where the folder or the Dockerfile does not exist."""
        if not self.folder.is_dir():
            raise RefusedError(
                f"{where}: build.context {self.folder} is no folder, seen from {Path.cwd()}. Correct it."
            )
        if not self.dockerfile.is_file():
            better = self.folder / self.dockerfile
            hint = f"Set it to {better}." if better.is_file() else "Correct it."
            raise RefusedError(
                f"{where}: build.dockerfile {self.dockerfile} is no file, seen from {Path.cwd()} "
                f"(it is relative to the program, not to the context). {hint}"
            )

    @property
    def relative_dockerfile(self) -> str:
        """The Dockerfile seen from the context; begins with `../` when outside."""
        return Path(os.path.relpath(self.dockerfile, self.folder)).as_posix()

    @property
    def name_in_tar(self) -> str:
        """What the builder is to call the Dockerfile."""
        if not self.relative_dockerfile.startswith("../"):
            return self.relative_dockerfile
        return f".dockerfile.{hashlib.sha256(self.dockerfile.read_bytes()).hexdigest()[:16]}"

    def digest(self) -> str:
        """sha256 over paths, modes and contents of the files, the Dockerfile and the settings."""
        return self._pack(None)

    def write_tar(self, target: IO[bytes]) -> str:
        """Write the tar that the builder takes; gives the digest of just what was written."""
        with tarfile.open(fileobj=target, mode="w") as tar:
            return self._pack(tar)

    def _pack(self, tar: tarfile.TarFile | None) -> str:
        said = json.dumps([self.settings, self.name_in_tar], sort_keys=True)
        seen = hashlib.sha256(said.encode())
        for entry, source in self._entries():
            seen.update(f"\0{entry.name}\0{entry.mode:o}\0{entry.type!r}\0{entry.linkname}\0".encode())
            with _opened(source if entry.isfile() else b"") as file:
                reader = _Digesting(file, seen)
                if tar is not None:
                    tar.addfile(entry, reader)
                else:
                    reader.drain()
        return seen.hexdigest()

    def _entries(self) -> Iterator[tuple[tarfile.TarInfo, Path | bytes]]:
        ignored = self._ignored()
        outside = self.name_in_tar != self.relative_dockerfile
        names = exclude_paths(self.folder.absolute(), list(ignored), self.name_in_tar)
        for name in sorted(names - ({".dockerignore", self.name_in_tar} if outside else set())):
            entry = _entry(name, self.folder / name)
            if entry is not None:
                yield entry, self.folder / name
        if outside:
            # As `docker build` does: the builder drops what .dockerignore names once it is read.
            ignore = "\n".join([*ignored, ".dockerignore", self.name_in_tar]).encode()
            yield from _made(".dockerignore", ignore)
            yield from _made(self.name_in_tar, self.dockerfile.read_bytes())

    def _ignored(self) -> list[str]:
        beside = self.dockerfile.with_name(f"{self.dockerfile.name}.dockerignore")
        file = beside if beside.is_file() else self.folder / ".dockerignore"
        if not file.is_file():
            return []
        lines = (line.strip() for line in file.read_text("utf-8-sig").splitlines())
        return [line for line in lines if line and not line.startswith("#")]


class _Digesting(io.RawIOBase):
    """A file whose reader also feeds a digest."""

    def __init__(self, file: BinaryIO, seen: "hashlib._Hash") -> None:
        self._file, self._seen = file, seen

    def read(self, size: int = -1) -> bytes:
        """Read, and count what was read."""
        data = self._file.read(size)
        self._seen.update(data)
        return data

    def drain(self) -> None:
        """Read to the end."""
        while self.read(BLOCK):
            pass


def _opened(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _entry(name: str, path: Path) -> tarfile.TarInfo | None:
    seen = path.lstat()
    entry = tarfile.TarInfo(name)
    # Owner 0:0, as `docker build` sends it: whose file it is here means nothing in the image.
    entry.mode, entry.mtime = stat.S_IMODE(seen.st_mode), int(seen.st_mtime)
    if stat.S_ISREG(seen.st_mode):
        entry.size = seen.st_size
    elif stat.S_ISDIR(seen.st_mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(seen.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    else:
        return None  # a socket or a device, which no builder takes
    return entry


def _made(name: str, content: bytes) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    yield entry, content
