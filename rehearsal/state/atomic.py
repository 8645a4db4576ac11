"""Files that are either the old or the new content, whatever happens in between."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str, mode: int) -> None:
    """Write beside, sync, rename. `mode` applies to a new file; an existing one keeps its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    if target.exists():
        mode = target.stat().st_mode & 0o7777
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
