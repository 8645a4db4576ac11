"""Progress on the terminal: one line a step, with the seconds since the start."""

import time

_START = time.monotonic()


def step(text: str) -> None:
    """Announce what happens next."""
    print(f"[{time.monotonic() - _START:5.0f}s] {text}", flush=True)
