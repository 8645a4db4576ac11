"""Progress on the terminal: one line a step on standard error, with the seconds since the start.

Standard output is for results alone, so that `$(make -s key)` is the key."""

import sys
import time

from catalog.errors import KitError

_START = time.monotonic()


def step(text: str) -> None:
    """Announce what happens next."""
    print(f"[{time.monotonic() - _START:5.0f}s] {text}", file=sys.stderr, flush=True)


def confirm(stack: str, question: str) -> None:
    """Raise KitError unless somebody types the stack's name."""
    try:
        typed = input(f"{question} Type its name: ")
    except EOFError:
        typed = ""
    if typed != stack:
        raise KitError(f"{typed!r}", f"is not {stack!r}", "Nothing was done; YES=1 does not ask.")
