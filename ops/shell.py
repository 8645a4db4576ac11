"""Runs programs of the machine; a failure becomes a KitError with the last lines it printed."""

import subprocess
from collections.abc import Mapping, Sequence

from catalog.errors import HostError

TAIL_LINES = 15


def run(command: Sequence[str], *, why: str, environment: Mapping[str, str] | None = None) -> str:
    """Run quietly and return its output. Raises HostError with the tail of what it said."""
    try:
        done = subprocess.run(command, text=True, capture_output=True, check=False, env=environment)
    except FileNotFoundError as error:
        raise HostError(command[0], "is not on this machine", f"Install it: {why}.") from error
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL_LINES:])
        raise HostError(" ".join(command[:3]), f"failed with exit code {done.returncode}", f"{why}:\n{said}")
    return done.stdout


def answers(command: Sequence[str], timeout_seconds: float) -> bool:
    """Whether a command succeeds within the time."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=timeout_seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
