"""Follow a container that was started: to its end, to health, or past its first moments."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from docker.api import APIClient
from docker.errors import APIError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from rehearsal.backend import Log, ResourceFailedError
from rehearsal.docker_backend.connection import docker_errors

TAIL = 20
"""Log lines of each stream shown with a failure."""

FIRST_MOMENTS = 0.5
"""Seconds in which a container that ends at once is noticed."""

PROGRESS_SECONDS = 15
LOOK_SECONDS = 0.5


def run_to_end(api: APIClient, id_: str, name: str, log: Log, *, keep: bool) -> str:
    """Wait for a one-shot container, its log line by line through `log`.

    Gives its log back with `keep`, else nothing.

    Raises ResourceFailedError with the last lines when it ends with another code than 0.
    """
    said = []
    with docker_errors(f"wait for container {name}", id_):
        for line in _followed(api, id_, log):
            log(line)
            if keep:
                said.append(line)
        code = api.wait(id_, timeout=None)["StatusCode"]
    if code != 0:
        raise ResourceFailedError(
            f"Container {name} ended with code {code}. It stays for inspection (`docker inspect "
            f"{name}`) until the next run replaces it. Its last lines:\n{tail(api, id_)}",
            id_,
        )
    return "".join(f"{line}\n" for line in said)


def _followed(api: APIClient, id_: str, log: Log) -> Iterator[str]:
    try:
        yield from lines(api.logs(id_, stream=True, follow=True))
    except (APIError, RequestException, HTTPError):
        # E.g. a log driver that cannot be read; the container's end is what counts.
        log("the log cannot be followed; waiting for the container to end")


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines; of one that was redrawn with carriage returns, its last state."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (_line(each) for each in whole)
    if rest:
        yield _line(rest)


def _line(raw: bytes) -> str:
    return raw.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace")


def wait_until_healthy(api: APIClient, id_: str, name: str, seconds: int, log: Log) -> None:
    """Return once the health check passes. Raises ResourceFailedError after `seconds`."""
    begin = said = time.monotonic()
    while True:
        with docker_errors(f"look at container {name}", id_):
            state = api.inspect_container(id_)["State"]
        health = state.get("Health")
        if health is None:
            raise ResourceFailedError(
                f"Container {name} has wait=true but no health check. Set healthcheck, or wait=false.",
                id_,
            )
        if health["Status"] == "healthy":
            return
        now = time.monotonic()
        if state["Status"] == "exited" or now - begin > seconds:
            raise ResourceFailedError(
                f"{_why_unhealthy(name, state, seconds)}{_health_output(health)}\n"
                f"Its last lines:\n{tail(api, id_)}",
                id_,
            )
        if now - said >= PROGRESS_SECONDS:
            said = now
            log(f"waiting for {name} to be healthy, {now - begin:.0f} of {seconds} s")
        time.sleep(LOOK_SECONDS)


def _why_unhealthy(name: str, state: dict[str, Any], seconds: int) -> str:
    if state["Status"] == "exited":
        return f"Container {name} ended with code {state['ExitCode']} before it was healthy."
    return (
        f"Container {name} was not healthy within {seconds} s (state {state['Health']['Status']}). "
        "Raise waitTimeout, or mend what the health check says."
    )


def _health_output(health: dict[str, Any]) -> str:
    checks = health.get("Log") or []
    if not checks:
        return ""
    last = checks[-1]
    return f"\nThe last health check (code {last['ExitCode']}): {last['Output'].strip()}"


def require_running(api: APIClient, id_: str, name: str) -> None:
    """Raise ResourceFailedError for a container that must run and has ended at once."""
    end = time.monotonic() + FIRST_MOMENTS
    while time.monotonic() < end:
        with docker_errors(f"look at container {name}", id_):
            state = api.inspect_container(id_)["State"]
        if state["Status"] in ("exited", "dead"):
            raise ResourceFailedError(
                f"Container {name} ended with code {state['ExitCode']} as soon as it was started "
                f"(a one-shot container wants mustRun=false). Its last lines:\n{tail(api, id_)}",
                id_,
            )
        time.sleep(0.1)


def tail(api: APIClient, id_: str) -> str:
    """A container's last lines, those of its errors after those of its output, or why there are none.

    Docker reads the two streams apart and keeps no order between them: taken together, the lines
    of one could push the error out of the other.
    """
    try:
        output = _last_of(api, id_, stdout=True, stderr=False)
        errors = _last_of(api, id_, stdout=False, stderr=True)
    except (APIError, RequestException, HTTPError) as error:
        return f"(its log cannot be read: {error})"
    return "\n".join((*output, *errors)) or "(it said nothing)"


def _last_of(api: APIClient, id_: str, *, stdout: bool, stderr: bool) -> Iterable[str]:
    # Not the API's `tail`: it counts the lines of both streams, whichever is asked for.
    chunks = api.logs(id_, stream=True, follow=False, stdout=stdout, stderr=stderr)
    return deque(lines(chunks), maxlen=TAIL)
