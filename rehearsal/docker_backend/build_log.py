"""A build's messages: one line a step for the person who waits, the last lines for a failure."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from rehearsal.backend import Log

TAIL = 20
WIDTH = 120


class BuildFailedError(Exception):
    """The builder gave up; the text ends with its last lines."""


def follow(messages: Iterable[dict[str, Any]], log: Log) -> str | None:
    """Log each `Step 3/9 : …`; gives the image id. Raises BuildFailedError."""
    image_id = error = None
    said: deque[str] = deque(maxlen=TAIL)
    # Read to the end also after an error, so that the SDK can let go of the connection.
    for message in messages:
        for line in str(message.get("stream", "")).splitlines():
            if line.strip():
                said.append(line.rstrip())
            if line.startswith("Step "):
                log(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
        image_id = (message.get("aux") or {}).get("ID", image_id)
        error = message.get("error", error)
    if error is not None:
        lines = "\n".join(said)
        raise BuildFailedError(f"{error}\nThe last lines of the build:\n{lines}")
    return image_id
