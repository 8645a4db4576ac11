"""Waiting for a cluster: polls, because what is asked is cheap and the tests want one simple clock."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_SECONDS = 0.3


def until(what: str, ask: Callable[[], T | None], seconds: float = 120) -> T:
    """The first true answer of `ask`; TimeoutError names `what` and the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds:.0f} s, last answer {answer!r}")
        time.sleep(PAUSE_SECONDS)
