"""JSON lines on standard output."""

import datetime
import json
import logging
import sys
import traceback
from typing import Any


class JsonFormatter(logging.Formatter):
    """One object a line: ``ts`` (UTC), ``level``, ``event``, and the record's ``fields``.

    Of an exception only type and places are written: its message may quote a prompt.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "ts": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Send everything at INFO and above to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Its start and stop lines say less than ours.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
