"""Expectations about a file's content, and files that are written so that they last."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model_tools.errors import FetchError

CHUNK = 1 << 20


class Digest(Protocol):
    """What is used of a hashlib object."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class Expected:
    """What a file has to be. `git_sha1` is what a hub tells of a file that is not in LFS."""

    name: str
    bytes: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None


class Content:
    """Hashes what passes by and compares it with what was expected."""

    def __init__(self, expected: Expected) -> None:
        self.expected, self.size = expected, 0
        self._sha256 = hashlib.sha256()
        self._git: Digest | None = None
        if expected.git_sha1 is not None:
            # A git object id: an identity that a hub gives, not a defence; TLS is that.
            self._git = hashlib.sha1(usedforsecurity=False)
            self._git.update(f"blob {expected.bytes}\0".encode())

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def problem(self) -> str | None:
        """Why this is not the expected content, or None."""
        expected = self.expected
        if expected.bytes is not None and self.size != expected.bytes:
            return f"has {self.size} bytes instead of {expected.bytes}"
        if expected.sha256 is not None and self.sha256 != expected.sha256:
            return f"has sha256 {self.sha256} instead of {expected.sha256}"
        if self._git is not None and self._git.hexdigest() != expected.git_sha1:
            return f"has git id {self._git.hexdigest()} instead of {expected.git_sha1}"
        return None

    def check(self) -> str:
        """The sha256; raises `FetchError` where the content is another."""
        problem = self.problem()
        if problem:
            raise FetchError(self.expected.name, problem, "check the source; nothing of it was stored")
        return self.sha256


def read_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def content_of(path: Path, expected: Expected) -> Content:
    content = Content(expected)
    for chunk in read_chunks(path):
        content.update(chunk)
    return content


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make renames inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle(part: Path, target: Path) -> None:
    """Give a complete and verified file its name, atomically and durably."""
    sync_file(part)
    part.replace(target)
    sync_folder(target.parent)
