"""A gateway in its real image, stub engines behind it, and the two directories it watches."""

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
from docker.models.containers import Container
from docker.models.networks import Network

from tests.docker.gateway_parts import (
    StubEngine,
    WatchedDirectory,
    key_of,
    keys_map,
    published,
    refused,
    until,
)

__all__ = ["GatewayRig", "StubEngine", "key_of", "refused", "until"]

import docker

from components.gateway.config import GatewayLimits, KeyGrant, Route, render

USER = "10001:10001"
ROUTES = (
    Route("tiny", "engine", max_concurrency=2, max_queue=2, queue_timeout_s=2, wake_hold_s=3),
    Route("free", "engine", max_concurrency=64, max_queue=64),
    Route("late", "late-engine", max_queue=2, wake_hold_s=5),
    Route("wide", "pool", replicas=4, max_concurrency=4),
)
GRANTS = (
    KeyGrant("alice", ("*",)),
    KeyGrant("bob", ("tiny",)),
    KeyGrant("five", ("free",), requests_per_minute=5),
    KeyGrant("five-more", ("free",), requests_per_minute=5),
)
LIMITS = GatewayLimits(body_timeout_s=2, client_timeout_s=3, header_timeout_s=3)
MIB = 1024 * 1024


class GatewayRig:
    """Starts and stops the parts; ``call`` asks the gateway as a client would."""

    def __init__(
        self,
        client: docker.DockerClient,
        images: tuple[str, str],
        labels: dict[str, str],
        folder: Path,
    ) -> None:
        self.client, self.labels = client, labels
        self.gateway_image, self.stub_image = images
        self.root = folder / "slm"
        self.root.mkdir()
        self.root.chmod(0o755)
        self.config = WatchedDirectory(self.root / "config")
        self.secrets = WatchedDirectory(self.root / "secrets")
        self.routes: tuple[Route, ...] = ROUTES
        self.grants: tuple[KeyGrant, ...] = GRANTS
        self.limits = LIMITS
        self.collector: str | None = None
        name = f"slm-test-{os.getpid()}-{time.monotonic_ns()}"
        self.network: Network = client.networks.create(name, labels=labels)
        self.gateway: Container | None = None
        self.port = 0

    def engine(self, alias: str, *, ready: bool = True, **more: Any) -> StubEngine:
        """Starts one; ``more`` is what else Docker is told."""
        name = str(self.network.name)
        return StubEngine(
            self.client.containers.run(
                self.stub_image,
                ["python3", "stub_engine.py"],
                detach=True,
                environment={"STUB_READY": str(ready).lower(), **more.pop("environment", {})},
                labels=self.labels,
                ports={"9000/tcp": ("127.0.0.1", 0)},
                network=name,
                networking_config={name: self.client.api.create_endpoint_config(aliases=[alias])},
                **more,
            )
        )

    def write_config(self) -> None:
        self.config.switch(render(self.routes, self.grants, self.limits, collector=self.collector))

    def write_keys(self) -> None:
        self.secrets.switch({"keys.map": keys_map(grant.id for grant in self.grants)})

    def start(self, *, wait: bool = True, **more: Any) -> Container:
        self.gateway = self.client.containers.run(
            self.gateway_image,
            detach=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            user=USER,
            tmpfs={"/run/slm": "size=8m,uid=10001,gid=10001,mode=0750"},
            volumes={str(self.root): {"bind": "/etc/slm", "mode": "ro"}},
            labels=self.labels,
            ports={f"{each}/tcp": ("127.0.0.1", 0) for each in (8080, 8443)},
            network=self.network.name,
            mem_limit="512m",
            **more,
        )
        self.port = published(self.gateway, 8080)
        if wait:
            self.wait_until_serving()
        return self.gateway

    def wait_until_serving(self, budget_s: float = 20) -> None:
        if not until(lambda: self.run("gateway-probe")[0] == 0, budget_s):
            raise TimeoutError(f"the gateway does not serve: {self.errors()}")

    def run(self, *command: str) -> tuple[int, str]:
        """A command inside the gateway's container."""
        assert self.gateway is not None
        status, output = self.gateway.exec_run(list(command))
        return int(status or 0), output.decode() if isinstance(output, bytes) else ""

    def metrics(self, path: str = "/metrics") -> str:
        """What the metrics port answers, headers and all."""
        script = f"exec 3<>/dev/tcp/127.0.0.1/8405; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
        return self.run("bash", "-c", script)[1]

    def gauge(self, name: str, proxy: str) -> float:
        lines = (line for line in self.metrics().splitlines() if line.startswith(f"{name}{{"))
        return float(next(line for line in lines if f'proxy="{proxy}"' in line).rsplit(" ", 1)[1])

    def wait_until_up(self, model: str, servers: int = 1, budget_s: float = 15) -> None:
        name = "haproxy_backend_active_servers"
        if not until(lambda: self.gauge(name, model) == servers, budget_s):
            raise TimeoutError(f"{model} has not {servers} server(s): {self.errors()}")

    def errors(self) -> str:
        assert self.gateway is not None
        return self.gateway.logs(stdout=False, stderr=True).decode()

    def output(self) -> str:
        assert self.gateway is not None
        return self.gateway.logs(stdout=True, stderr=False).decode()

    def access_log(self) -> list[str]:
        """Without an old process's goodbye, which is words, and lines that let counters begin."""
        words = self.output().splitlines()
        return [each for each in words if each.startswith('{"') and "event" not in json.loads(each)]

    def entry(self, request_id: str, budget_s: float = 5) -> dict[str, Any]:
        """The access log's entry of one request."""
        deadline = time.monotonic() + budget_s
        while time.monotonic() < deadline:
            # An old process says goodbye among the entries, in words.
            for line in (each for each in self.output().splitlines() if each.startswith("{")):
                found: dict[str, Any] = json.loads(line)
                if found.get("request_id") == request_id:
                    return found
            time.sleep(0.1)
        raise TimeoutError(f"no log entry of {request_id}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        body: Any = None,
        *,
        key: str | None = "alice",
        path: str = "/v1/chat/completions",
        method: str = "POST",
        client: httpx.Client | None = None,
        timeout: float = 30,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request; ``body`` is sent as JSON unless it is bytes."""
        fields = {**({"Authorization": f"Bearer {key_of(key)}"} if key else {}), **(headers or {})}
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with nullcontext(client) if client else httpx.Client(verify=False) as chosen:
            return chosen.request(method, self.url + path, content=raw, headers=fields, timeout=timeout)

    def raw(self, data: bytes, *, timeout: float = 10, shut: bool = False) -> bytes:
        """What comes back for bytes as they are, until the gateway closes or ``timeout`` passes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            received = b""
            with suppress(TimeoutError, ConnectionError):
                connection.sendall(data)
                if shut:
                    connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    received += piece
            return received

    def close(self) -> None:
        for container in self.client.containers.list(all=True, filters={"network": str(self.network.name)}):
            container.remove(force=True)
        self.network.remove()
