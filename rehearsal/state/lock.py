"""One run at a time on a state file. The kernel drops the lock with its process, however that ends."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

from rehearsal.errors import ExitCode, RehearsalError
from rehearsal.state.checkpoint import now


class StateLock:
    """Held as a context. The file beside the state says who holds it: pid and start time."""

    def __init__(self, state: Path) -> None:
        self._path = state.with_name(state.name + ".lock")
        self._handle = -1

    def __enter__(self) -> "StateLock":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._holder()
            os.close(self._handle)
            raise RehearsalError(
                f"another run holds {self._path} ({holder})",
                "one run at a time changes a stack",
                "wait for it to end, or end that process",
                ExitCode.HOST,
            ) from error
        self._write(json.dumps({"pid": os.getpid(), "started": now()}))
        return self

    def _holder(self) -> str:
        try:
            found = json.loads(os.pread(self._handle, 1024, 0))
            return f"pid {found['pid']}, since {found['started']}"
        except (ValueError, KeyError):
            return "just starting"

    def _write(self, text: str) -> None:
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The file stays: removing a locked file would let two runs lock two files of the same name.
        self._write("")
        os.close(self._handle)
