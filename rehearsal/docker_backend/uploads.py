"""Files put into a container before it starts."""

import base64
import binascii
import io
import tarfile
import time
from pathlib import Path

from rehearsal.backend import Properties, RefusedError
from rehearsal.docker_backend.schema import has_unknown

SOURCES = ("content", "contentBase64", "source")

PLAIN_MODE, EXECUTABLE_MODE = 0o644, 0o744
"""The provider's modes where `permissions` says nothing."""


def refuse_bad_uploads(where: str, uploads: list[Properties]) -> None:
    """Raise RefusedError for a file without exactly one content; never shows the content."""
    for upload in uploads:
        if has_unknown(upload):
            continue
        given = [key for key in SOURCES if upload.get(key)]
        if len(given) != 1:
            raise RefusedError(
                f"{where}: upload {upload['file']} has {len(given)} of {', '.join(SOURCES)}; set "
                "exactly one, not empty."
            )
        source = upload.get("source")
        if source and not Path(source).is_file():
            raise RefusedError(f"{where}: upload {upload['file']}: {source} is no file. Create it.")
        _refuse_bad_base64(where, upload)


def _refuse_bad_base64(where: str, upload: Properties) -> None:
    try:
        base64.b64decode(upload.get("contentBase64", ""), validate=True)
    except (binascii.Error, ValueError):
        # Without the cause: its text could hold a piece of the content.
        raise RefusedError(
            f"{where}: upload {upload['file']}: contentBase64 is not base64. Encode it."
        ) from None


def archive(uploads: list[Properties]) -> bytes:
    """All files as one tar, to be unpacked at `/`; owner and group 0 unless given."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for upload in uploads:
            content = _content(upload)
            entry = tarfile.TarInfo(upload["file"].lstrip("/"))
            entry.size = len(content)
            entry.mode = _mode(upload)
            entry.uid = int(upload.get("owner") or 0)
            entry.gid = int(upload.get("group") or 0)
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _content(upload: Properties) -> bytes:
    if upload.get("content"):
        return str(upload["content"]).encode()
    if upload.get("contentBase64"):
        return base64.b64decode(upload["contentBase64"])
    return Path(upload["source"]).read_bytes()


def _mode(upload: Properties) -> int:
    if upload.get("permissions"):
        return int(upload["permissions"], 8)
    return EXECUTABLE_MODE if upload.get("executable") else PLAIN_MODE
