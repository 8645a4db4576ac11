"""Whether the server takes requests, and how many it still answers."""

from collections.abc import Iterator
from contextlib import contextmanager


class Lifecycle:
    """Shared by the signal handler and the request handlers (one event loop, no locks)."""

    def __init__(self) -> None:
        self.leaving = False
        """Not ready any more, so that nobody new is sent here; who comes is still served."""
        self.draining = False
        self.open_requests = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request while it is answered."""
        self.open_requests += 1
        try:
            yield
        finally:
            self.open_requests -= 1
