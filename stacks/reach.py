"""Whether the sites of an edge stack answer: asked before an update, of all at once, within seconds."""

import http.client
import shlex
import socket
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from stacks.edge_settings import SiteSettings

SECONDS = 5
"""Longest wait for one connection; a site is given up after three times that."""
AT_A_TIME = 64


class AwayError(Exception):
    """A site does not answer; the message says what was tried."""


def unreachable(sites: Sequence[SiteSettings]) -> dict[str, str]:
    """Why, by the name of each site that does not answer."""
    with ThreadPoolExecutor(max_workers=min(AT_A_TIME, max(1, len(sites)))) as pool:
        found = zip(sites, pool.map(_why, sites), strict=True)
        return {site.name: why for site, why in found if why is not None}


def _why(site: SiteSettings) -> str | None:
    try:
        if site.docker is not None:
            _ask_engine(site.docker.host)
        elif site.kubernetes is not None and site.kubernetes.kubeconfig is not None:
            _connect(server_of(site.kubernetes.kubeconfig, site.kubernetes.context))
    # ValueError: a name that cannot be one, such as a label of more than 63 characters.
    except (AwayError, OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return None


def _ask_engine(host: str) -> None:
    """Its version through ssh, as the provider goes; a ping through a socket of this machine."""
    address = urlsplit(host)
    if address.scheme == "ssh":
        target = address.hostname if address.username is None else f"{address.username}@{address.hostname}"
        port = [] if address.port is None else ["-p", str(address.port)]
        _run(
            ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={SECONDS}", *port, "--", str(target),
             "docker version --format '{{.Server.Version}}'"]
        )  # fmt: skip
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        try:
            connection.connect(address.path)
        except OSError as error:
            raise AwayError(f"no Docker engine listens at {address.path} ({error.strerror})") from error
        request = http.client.HTTPConnection("docker")
        request.sock = connection
        request.request("GET", "/_ping")
        status = request.getresponse().status
    if status != http.HTTPStatus.OK:
        raise AwayError(f"the Docker engine at {address.path} answers {status}")


def _run(command: Sequence[str]) -> None:
    shown = shlex.join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3 * SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise AwayError(f"{shown}: no end after {3 * SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise AwayError(f"{shown}: {lines[-1] if lines else f'exit code {done.returncode}'}")


def server_of(kubeconfig: Path, context: str | None) -> tuple[str, int]:
    """Host and port that the context's requests go to: the API server, or the proxy in front of it.

    Raises AwayError for a file that does not say it.
    """
    try:
        content = yaml.safe_load(kubeconfig.expanduser().read_text())
        wanted = context or content["current-context"]
        cluster = _named(content["clusters"], _named(content["contexts"], wanted)["context"]["cluster"])
        url = urlsplit(cluster["cluster"].get("proxy-url") or cluster["cluster"]["server"])
        port = url.port or (443 if url.scheme == "https" else 80)
    except OSError as error:
        raise AwayError(f"kubeconfig {kubeconfig}: {error.strerror}") from error
    except (yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        what = "its current context" if context is None else f"context {context}"
        raise AwayError(f"kubeconfig {kubeconfig} does not say where the server of {what} is") from error
    return str(url.hostname), port


def _named(entries: Any, name: str) -> Any:
    return {each["name"]: each for each in entries}[name]


def _connect(server: tuple[str, int]) -> None:
    host, port = server
    try:
        socket.create_connection(server, timeout=SECONDS).close()
    except (OSError, ValueError) as error:
        raise AwayError(f"no API server answers at {host}:{port} ({error})") from error
