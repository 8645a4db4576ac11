"""A real Prometheus that scrapes, each second, texts that a test wrote down."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import httpx
import yaml
from docker.models.containers import Container

from monitoring.rules import Group, render
from tests.docker.gateway_parts import published

TICK = "1s"
_SERVER = """
import http.server, pathlib, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = pathlib.Path("/data/scrape").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Page).serve_forever()
"""


class Served:
    """Sources by address, and the Prometheus that reads them. `python` is an image with Python in it."""

    def __init__(
        self, client: docker.DockerClient, python: str, labels: dict[str, str], folder: Path
    ) -> None:
        self._client, self._python, self._labels, self._folder = client, python, labels, folder
        name = f"slm-test-{os.getpid()}-{time.monotonic_ns()}"
        self._network = client.networks.create(name, labels=labels)
        self._containers: list[Container] = []
        self.url = ""

    def source(self, address: str, text: str) -> None:
        """Begins to serve, or changes, what is at `name:port`."""
        folder = self._folder / address.replace(":", "-")
        new = not folder.exists()
        folder.mkdir(exist_ok=True)
        written = folder / "new"
        written.write_text(text)
        written.replace(folder / "scrape")
        if new:
            alias, port = address.split(":")
            self._run(
                self._python,
                alias,
                entrypoint=["python3", "-c", _SERVER, port],
                volumes={str(folder): {"bind": "/data", "mode": "ro"}},
            )

    def prometheus(self, image: str, files: dict[str, str], groups: list[Group]) -> None:
        """Starts it with the kit's files, at the pace of a test; `groups` are its recording rules."""
        config = self._folder / "config"
        config.mkdir()
        settings = yaml.safe_load(files["prometheus.yml"])
        settings["global"] |= dict.fromkeys(
            ("scrape_interval", "scrape_timeout", "evaluation_interval"), TICK
        )
        fast = [Group(group.name, group.rules, TICK) for group in groups]
        content = {**files, "prometheus.yml": yaml.safe_dump(settings), "recording.yml": render(fast)}
        for name, text in content.items():
            (config / name).write_text(text)
        container = self._run(
            image,
            "prometheus",
            entrypoint=["prometheus"],
            command=["--config.file=/etc/slm/config/prometheus.yml", "--storage.tsdb.path=/prometheus"],
            volumes={str(config): {"bind": "/etc/slm/config", "mode": "ro"}},
            tmpfs={"/prometheus": "size=64m,uid=10001,gid=10001,mode=0750"},
            ports={"9090/tcp": ("127.0.0.1", 0)},
        )
        self.url = f"http://127.0.0.1:{published(container, 9090)}"

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The elements of an instant vector; none while Prometheus does not answer."""
        try:
            answer = httpx.post(f"{self.url}/api/v1/query", data={"query": query}, timeout=5)
        except httpx.TransportError:
            return []
        if answer.status_code != 200:
            return []
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def wait(self, query: str, good: Callable[[float], bool], budget_s: float = 30) -> None:
        """Until every element of a query is so, and there is one. Raises TimeoutError."""
        deadline = time.monotonic() + budget_s
        found: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            found = self.ask(query)
            if found and all(good(float(each["value"][1])) for each in found):
                return
            time.sleep(0.3)
        raise TimeoutError(f"{query} is {found}\n{self._containers[-1].logs().decode()[-3000:]}")

    def close(self) -> None:
        for container in self._containers:
            container.remove(force=True, v=True)
        self._network.remove()

    def _run(self, image: str, alias: str, **more: Any) -> Container:
        name = str(self._network.name)
        container = self._client.containers.run(
            image,
            detach=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            user="10001:10001",
            labels=self._labels,
            network=name,
            networking_config={name: self._client.api.create_endpoint_config(aliases=[alias])},
            mem_limit="256m",
            **more,
        )
        self._containers.append(container)
        return container
