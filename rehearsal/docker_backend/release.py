"""Delete what containers may still hold on to."""

import time
from collections.abc import Callable

from rehearsal.backend import Log
from rehearsal.docker_backend.connection import BusyError, GoneError, docker_errors

RELEASE_SECONDS = 5
"""How long a delete waits for containers that are on their way out (the provider: 30)."""


def delete_when_free(what: str, remove: Callable[[], None], users: Callable[[], str], log: Log) -> None:
    """Delete `what`; gone already is fine.

    Raises BusyError with what `users` says: who holds it, and how to end that.
    """
    end = time.monotonic() + RELEASE_SECONDS
    while True:
        try:
            with docker_errors(f"delete {what}"):
                return remove()
        except GoneError:
            return None
        except BusyError as error:
            if time.monotonic() > end:
                raise BusyError(f"Could not delete {what}: {users()}") from error
        log(f"{what}: waiting for its containers to leave")
        time.sleep(1)
