"""The manifest that the model store writes: what is served, by name, size and sha256."""

import hashlib
import json
from pathlib import Path
from typing import Any

from onnx_server.core.errors import UnverifiedModelError

MANIFEST = "manifest.json"
_NEXT_STEP = "run the model store again, or pass --allow-unverified for a folder made by hand"


def verify(folder: Path, *, allow_unverified: bool = False) -> bool:
    """Compare every file of ``folder`` with its manifest; True when one was there and holds.

    Sizes are compared first, for all files, because that is free; then sha256 (about 0.2 s for
    88 MB). A file that the manifest does not list is refused as well: what is served is exactly
    what the manifest lists. Raises :class:`UnverifiedModelError` naming the file.
    """
    path = folder / MANIFEST
    if not path.is_file():
        if allow_unverified:
            return False
        raise UnverifiedModelError(f"{path} is missing: {_NEXT_STEP}")
    listed = _entries(path)
    _refuse_unlisted(folder, set(listed))
    for name, (size, _) in listed.items():
        _check_size(folder / name, size)
    for name, (_, expected) in listed.items():
        _check_digest(folder / name, expected)
    return True


def _entries(path: Path) -> dict[str, tuple[int, str]]:
    try:
        files: list[dict[str, Any]] = json.loads(path.read_bytes())["files"]
        entries = {str(f["name"]): (int(f["bytes"]), str(f["sha256"]).lower()) for f in files}
    except (ValueError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnverifiedModelError(f"{path} cannot be read ({detail}): {_NEXT_STEP}") from error
    for name in entries:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UnverifiedModelError(f"{path} lists {name!r}, not in the folder: {_NEXT_STEP}")
    return entries


def _refuse_unlisted(folder: Path, listed: set[str]) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST and name not in listed:
            raise UnverifiedModelError(f"{path} is not listed in {MANIFEST}: {_NEXT_STEP}")


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise UnverifiedModelError(f"{path} is missing, {MANIFEST} lists it: {_NEXT_STEP}")
    if (size := path.stat().st_size) != expected:
        raise UnverifiedModelError(f"{path} has {size} bytes, not {expected}: {_NEXT_STEP}")


def _check_digest(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected:
        raise UnverifiedModelError(f"{path} has sha256 {digest}, not {expected}: {_NEXT_STEP}")
