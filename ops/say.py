"""Progress on the terminal: one line a step on standard error, with the seconds since the start.

Standard output is for results alone, so that `$(make -s key)` is the key."""

import sys
import time

_START = time.monotonic()


def step(text: str) -> None:
    """Announce what happens next."""
    print(f"[{time.monotonic() - _START:5.0f}s] {text}", file=sys.stderr, flush=True)
