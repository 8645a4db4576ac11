"""The way to a Docker engine, and what its errors say to the person who runs the program."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.api import APIClient
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from rehearsal.backend import ResourceFailedError

POOL_SIZE = 32
"""Connections kept; creates run in as many threads as the engine's executor has."""

NEXT_STEP = "Start Docker, or set DOCKER_HOST or `docker context use` to one that `docker info` sees."


CONFLICT = 409


class GoneError(ResourceFailedError):
    """The object does not exist (any more)."""


class BusyError(ResourceFailedError):
    """Something still uses the object."""


class Connection:
    """One pooled client for all threads, made on first use.

    `host` is an address such as `unix:///var/run/docker.sock`. Default: DOCKER_HOST, else the
    current `docker context` (so Docker Desktop is found), else the local socket.
    """

    def __init__(self, host: str | None = None) -> None:
        self._host = host or None
        self._client: docker.DockerClient | None = None
        self._lock = threading.Lock()

    @property
    def api(self) -> APIClient:
        """The engine's API. Raises ResourceFailedError with the next step when none answers."""
        with self._lock:
            if self._client is None:
                try:
                    self._client = self._open()
                except (DockerException, RequestException, HTTPError, OSError) as error:
                    raise ResourceFailedError(
                        f"No Docker engine answers at {self._host or 'the configured address'} "
                        f"({error}). {NEXT_STEP}"
                    ) from error
            return self._client.api

    def _open(self) -> docker.DockerClient:
        if self._host is None:
            return docker.from_env(max_pool_size=POOL_SIZE, use_ssh_client=True)
        return docker.DockerClient(base_url=self._host, max_pool_size=POOL_SIZE, use_ssh_client=True)

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


@contextmanager
def docker_errors(doing: str, created: str | None = None) -> Iterator[None]:
    """Turn the SDK's errors into ResourceFailedError: `doing` failed, why, and the next step."""
    try:
        yield
    except NotFound as error:
        raise GoneError(f"Could not {doing}: {_reason(error)}", created) from error
    except APIError as error:
        busy = error.status_code == CONFLICT or "active endpoints" in _reason(error)
        failure = BusyError if busy else ResourceFailedError
        raise failure(f"Could not {doing}: {_reason(error)}", created) from error
    except (RequestException, HTTPError, ConnectionError) as error:
        raise ResourceFailedError(
            f"Could not {doing}: the Docker engine stopped answering ({error}). {NEXT_STEP}", created
        ) from error
    except DockerException as error:
        raise ResourceFailedError(f"Could not {doing}: {error}", created) from error


def _reason(error: APIError) -> str:
    return error.explanation or str(error)
