"""The store's layout: published models, work in progress, and one lock.

<store>/<model>/<variant>/<id>/   files and manifest.json; appears by one rename
<store>/.work/<hash>/             what is being prepared; resumed by the next run
<store>/.work/aside-*             damaged or removed models on their way out
<store>/.lock                     held while anything is changed
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_tools.content import sync_file, sync_folder
from model_tools.errors import HostError, SpecError
from model_tools.manifest import Manifest
from model_tools.progress import megabytes, say
from model_tools.source_spec import MANIFEST
from model_tools.spec import Spec

STALE_SECONDS = 24 * 3600
"""After this long another model's unfinished work is taken for abandoned."""

LOCK_POLL_SECONDS = 0.2
DIRECTORY_MODE, FILE_MODE = 0o755, 0o444
EVERYBODY, GROUP = 0o007, 0o070
MARGIN_BYTES = 1_000_000
"""Beyond the files: manifest, folders, block rounding."""


class Store:
    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise SpecError(str(root), "is not a folder", "mount the model store there")
        self.root, self._work = root, root / ".work"

    def folder(self, spec: Spec) -> Path:
        return self.root / spec.path

    def work(self, spec: Spec) -> Path:
        """The same for the same specification, so that an interrupted run is continued."""
        name = hashlib.sha256(spec.model_dump_json(by_alias=True).encode()).hexdigest()[:16]
        return self._work / name

    @contextmanager
    def lock(self, timeout_seconds: float) -> Iterator[None]:
        """One writer a store. The kernel releases it when its process is gone."""
        self._work.mkdir(exist_ok=True)
        deadline, told = time.monotonic() + timeout_seconds, False
        with (self.root / ".lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise HostError(
                            str(self.root),
                            f"is locked for more than {timeout_seconds:.0f} s",
                            "wait for the other model-tools, or end it",
                        ) from None
                if not told:
                    say("waiting for another model-tools that holds the store")
                    told = True
                time.sleep(LOCK_POLL_SECONDS)
            yield

    def published(self) -> Iterator[tuple[str, Path]]:
        """Path below the root and folder of each model that has a manifest."""
        for manifest in sorted(self.root.glob(f"[!.]*/*/*/{MANIFEST}")):
            yield str(manifest.parent.relative_to(self.root)), manifest.parent

    def unfinished(self) -> list[Path]:
        return sorted(self._work.iterdir()) if self._work.is_dir() else []

    def problem(self, spec: Spec, *, thorough: bool) -> str | None:
        """Why `spec` is not served as it should be, or None."""
        folder = self.folder(spec)
        if not folder.exists():
            return "is not in the store"
        manifest = Manifest.read(folder)
        if manifest is None:
            return "has no readable manifest"
        if not manifest.matches(spec):
            return "was made from another source"
        return manifest.problem(folder, thorough=thorough)

    def publish(self, spec: Spec, ready: Path) -> Manifest:
        """Write the manifest and put `ready` in its place with one rename."""
        for path in sorted(ready.rglob("*")):
            _let_read(path)
        for path in ready.rglob("*"):
            (sync_folder if path.is_dir() else sync_file)(path)
        _let_read(ready)
        manifest = Manifest.of(spec, ready)
        manifest.write(ready)
        target = self.folder(spec)
        target.parent.mkdir(parents=True, exist_ok=True)
        ready.rename(target)
        for folder in (target.parent, target.parent.parent, self.root):
            sync_folder(folder)
        return manifest

    def discard(self, folder: Path) -> None:
        """Take a folder out of sight with one rename, then delete it."""
        aside = self._work / f"aside-{uuid.uuid4().hex}"
        folder.rename(aside)
        _delete(aside)

    def prune(self, folder: Path) -> None:
        """Delete the empty folders that a removed model leaves above it."""
        for parent in (folder.parent, folder.parent.parent):
            if parent != self.root and not any(parent.iterdir()):
                parent.rmdir()

    def sweep(self, keep: Path, max_age_seconds: float = STALE_SECONDS) -> None:
        """Delete what is on its way out and other models' work that nobody continued."""
        for entry in self.unfinished():
            aside = entry.name.startswith("aside-")
            if entry != keep and (aside or time.time() - _newest(entry) > max_age_seconds):
                _delete(entry)

    def reserve(self, needed: int, keep: Path) -> None:
        """Raise `HostError` where the volume lacks `needed` bytes, after making room."""
        missing = needed + MARGIN_BYTES - _used(keep)
        if self._free() < missing:
            self.sweep(keep, max_age_seconds=0)
        free = self._free()
        if free < missing:
            raise HostError(
                str(self.root),
                f"has {megabytes(free)} free, {megabytes(missing)} are needed",
                "free space on the volume, or remove a model (list, remove)",
            )

    def _free(self) -> int:
        return shutil.disk_usage(self.root).free


def _used(folder: Path) -> int:
    """Bytes that an interrupted run already brought; they are not needed twice."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _newest(folder: Path) -> float:
    return max((path.lstat().st_mtime for path in [folder, *folder.rglob("*")]), default=0.0)


def _let_read(path: Path) -> None:
    """The mode with which every user reads it.

    On a file share (SMB) files belong to whoever mounted it, who alone may change a mode, and have the
    mount's. What engines can read is left so.
    """
    mode = DIRECTORY_MODE if path.is_dir() else FILE_MODE
    try:
        path.chmod(mode)
    except PermissionError:
        found = path.stat()
        # Engines are in the group that this process has.
        readers = (EVERYBODY, GROUP) if found.st_gid == os.getgid() else (EVERYBODY,)
        if all(found.st_mode & mode & each != mode & each for each in readers):
            limit = "cannot be read by engines, and its mode cannot be changed"
            fix = f"mount the store with gid={os.getgid()}, file_mode=0660 and dir_mode=0770"
            raise HostError(str(path), limit, fix) from None


def _delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
