"""When a failed attempt over the network is worth another one, and how long to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests
from urllib3.exceptions import HTTPError

from model_tools.errors import FetchError
from model_tools.progress import say
from model_tools.redact import Redactor

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_PAUSE_SECONDS = 60.0
MAX_TRIES = 100
"""Of one file, however much progress each try makes."""

NO_ADAPTER = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)
HINTS = {
    401: "give credentials in the network configuration",
    403: "give credentials that may read it, or accept the licence at the source",
    404: "check name and revision",
    407: "give proxy credentials in the network configuration",
}

T = TypeVar("T")


class TransientError(Exception):
    """Worth another try, not before `after` seconds where the server says so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True)
class Patience:
    """How long to try. Failures in a row without one new byte are what counts as attempts."""

    attempts: int = 6
    stall_seconds: float = 30.0
    backoff_seconds: float = 1.0
    connect_seconds: float = 15.0

    def pause(self, failure: int, asked: float | None) -> float:
        wait: float = max(self.backoff_seconds * 2 ** (failure - 1), asked or 0.0)
        return min(wait, MAX_PAUSE_SECONDS)

    def persist(self, url: str, attempt: Callable[[], T], size: Callable[[], int], redact: Redactor) -> T:
        """Run `attempt` until it succeeds; `size` tells whether the last one brought anything."""
        failures, tries, before = 0, 0, size()
        while True:
            try:
                return attempt()
            except (TransientError, requests.RequestException, HTTPError) as error:
                reason = redact(str(error) or type(error).__name__)
                tries += 1
                failures = 1 if size() > before else failures + 1
                before = size()
                hopeless = isinstance(error, NO_ADAPTER) or "CERTIFICATE_VERIFY" in reason
                if hopeless or failures >= self.attempts or tries >= MAX_TRIES:
                    raise _gives_up(redact(url), reason, failures) from None
                pause = self.pause(failures, getattr(error, "after", None))
                say(f"retry {failures}/{self.attempts - 1} in {pause:.1f}s: {reason}")
                time.sleep(pause)


def _gives_up(url: str, reason: str, failures: int) -> FetchError:
    hint = "run again; what came so far is continued"
    if "CERTIFICATE_VERIFY" in reason:
        hint = "add the authority of your network (ca.pem) to the configuration"
    return FetchError(url, f"failed {failures} times in a row, last: {reason}", hint)


def raise_for_status(response: requests.Response) -> None:
    """Turn an HTTP status into `TransientError` or `FetchError`; 200 and 206 pass."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in TRANSIENT_STATUS:
        asked = response.headers.get("Retry-After", "")
        raise TransientError(f"HTTP {status}", float(asked) if asked.isdigit() else None)
    raise FetchError(response.url.partition("?")[0], f"HTTP {status}", HINTS.get(status, "check the source"))
