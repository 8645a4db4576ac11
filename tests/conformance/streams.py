"""Streamed answers, chunk by chunk."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """One chunk of a stream."""

    at: float
    """When it arrived, `time.monotonic`."""
    content: dict[str, Any]

    @property
    def text(self) -> str:
        """What it adds to the answer."""
        choice = self.content["choices"][0] if self.content["choices"] else {}
        return choice.get("text") or choice.get("delta", {}).get("content") or ""

    @property
    def finish(self) -> str | None:
        """Why the answer ended, in its last chunk."""
        return self.content["choices"][0].get("finish_reason") if self.content["choices"] else None


def joined(events: list[Event]) -> str:
    """The text of a stream."""
    return "".join(event.text for event in events)


def events_of(answer: httpx.Response) -> Iterator[Event]:
    """The chunks as they arrive; the stream has to end with [DONE] and nothing behind it."""
    ended = False
    for line in answer.iter_lines():
        at = time.monotonic()
        # A comment; clients skip it.
        if not line or line.startswith(":"):
            continue
        assert line.startswith("data: "), line
        assert not ended, "something came after [DONE]"
        if line == "data: [DONE]":
            ended = True
            continue
        event = json.loads(line.removeprefix("data: "))
        assert "error" not in event, event
        yield Event(at, event)
    assert ended, "the stream ended without [DONE]"
