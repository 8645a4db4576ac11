"""A real collector, a store behind it that keeps what it is sent, and how containers log to it."""

import gzip
import io
import tarfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker
import httpx
from docker.models.containers import Container
from docker.types import LogConfig

from components.platforms.docker_container import shipped_logs
from monitoring.collector import FORWARD_PORT, render
from monitoring.watched import ADDRESSES, Watched
from tests.docker.gateway_parts import published, until

USAGE_PORT = int(ADDRESSES.usage.rsplit(":", 1)[1])


class Store:
    """Takes logs over OTLP, as Loki does, and keeps their bytes."""

    def __init__(self, address: str) -> None:
        store = self
        self.kept = b""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                zipped = self.headers.get("Content-Encoding") == "gzip"
                store.kept += gzip.decompress(body) if zipped else body
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.address = f"{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def got(self, text: str, budget_s: float = 10) -> bool:
        """Whether it came in time."""
        return until(lambda: text.encode() in self.kept, budget_s)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Collector:
    """The collector's image with the kit's configuration; Loki's address is the store's."""

    def __init__(
        self, client: docker.DockerClient, image: str, labels: Mapping[str, str], watched: Watched, port: int
    ) -> None:
        bridge = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        self.store = Store(bridge["Gateway"])
        self.address = f"127.0.0.1:{port}"
        config = render(watched).replace(ADDRESSES.loki, self.store.address)
        self.container: Container = client.containers.create(
            image,
            ["--config=/etc/slm/config/collector.yaml"],
            labels=dict(labels),
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            user="10001:10001",
            mem_limit="160m",
            ports={f"{FORWARD_PORT}/tcp": ("127.0.0.1", port), f"{USAGE_PORT}/tcp": ("127.0.0.1", 0)},
        )
        self.container.put_archive("/etc/slm/config", _archive("collector.yaml", config))

    def start(self) -> None:
        self.container.start()
        if not until(lambda: self.counters() is not None, 20):
            raise TimeoutError(f"the collector does not serve: {self.container.logs().decode()}")

    def counters(self) -> dict[str, float] | None:
        """Series, as exposed -> value; None where nobody answers."""
        try:
            url = f"http://127.0.0.1:{published(self.container, USAGE_PORT)}/metrics"
            lines = httpx.get(url, timeout=2).text.splitlines()
        except httpx.HTTPError:
            return None
        rows = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {series: float(value) for series, value in rows}

    def logging(self) -> LogConfig:
        """As the platform has its containers log."""
        given = shipped_logs(self.address)
        return LogConfig(type=given["log_driver"], config=given["log_opts"])

    def close(self) -> None:
        self.container.remove(force=True)
        self.store.close()


def total(counters: Mapping[str, float] | None, name: str, **labels: str) -> float:
    """The sum of a name's series with these labels; an error where there is none."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    found = [
        value
        for series, value in (counters or {}).items()
        if series.startswith(f"{name}{{") and all(each in series for each in wanted)
    ]
    if not found:
        raise LookupError(f"no series of {name} with {labels}")
    return sum(found)


def _archive(name: str, content: str) -> bytes:
    packed, raw = io.BytesIO(), content.encode()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry: Any = tarfile.TarInfo(Path(name).name)
        entry.size, entry.mode = len(raw), 0o444
        archive.addfile(entry, io.BytesIO(raw))
    return packed.getvalue()
