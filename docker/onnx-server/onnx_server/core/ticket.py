"""What goes into the engine and what comes out of it."""

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from onnx_server.core.sampling import Chooser, Sampling


class Finish(enum.Enum):
    """Why a sequence ended."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The engine thread died."""
    CLOSED = "closed"
    """The engine was closed before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Request:
    """One sequence to generate. ``stop_tokens`` end it and are its last token."""

    prompt: tuple[int, ...]
    max_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    stop_tokens: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Event:
    """A token, the end, or both. ``at`` is ``time.monotonic()`` of the step."""

    token: int | None
    finish: Finish | None
    at: float


Sink = Callable[[Event], None]
"""Called in the engine thread, once a token: it must return at once and not raise."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One request in the engine, from submission to its last event.

    Times are ``time.monotonic()`` seconds, 0 until they happen. Only the engine writes it.
    """

    request: Request
    sink: Sink
    chooser: Chooser = field(init=False)
    row: int = -1
    prefilled: int = 0
    generated: int = 0
    last_token: int = -1
    cancelled: bool = False
    submitted_at: float = field(default_factory=time.monotonic)
    admitted_at: float = 0.0
    first_token_at: float = 0.0
    finished_at: float = 0.0

    def __post_init__(self) -> None:
        self.chooser = Chooser(self.request.sampling)
