"""A bounded load of short chats from a few threads, each answer kept."""

import collections
import threading
import time

import httpx

from tests.stack.rig import MODEL, Stack


class Load:
    """Runs while the `with` block does; `answers` counts (status, code) pairs."""

    def __init__(self, stack: Stack, threads: int = 3, seconds: float = 240) -> None:
        self.answers: collections.Counter[tuple[int, str]] = collections.Counter()
        self.waits: list[httpx.Response] = []
        self._stack = stack
        self._stop = threading.Event()
        self._deadline = time.monotonic() + seconds
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self._lock = threading.Lock()

    def __enter__(self) -> "Load":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _run(self) -> None:
        while not self._stop.is_set() and time.monotonic() < self._deadline:
            try:
                answer = self._stack.chat(MODEL, tokens=16)
            except httpx.HTTPError as error:
                outcome = (0, type(error).__name__)
            else:
                outcome = (answer.status_code, "" if answer.is_success else answer.json()["error"]["code"])
                if answer.status_code == 503:
                    self.waits.append(answer)
            with self._lock:
                self.answers[outcome] += 1
