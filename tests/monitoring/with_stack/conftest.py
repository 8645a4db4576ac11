"""One stack with everything that is watched here: ONNX and Ollama, two keys, a receiver of alerts."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from typing import Any

import docker
import httpx
import pytest

from monitoring.watched import LOGIN, Watched
from stacks.plan import LIMITS, plan
from stacks.watching import watched_of
from tests.monitoring.with_stack.asking import settings_of_file
from tests.stack.rig import MODEL, Stack, new_stack

NAME = "test-monitoring"
PORT = 18187
PORTS = {"prometheus": 19090, "alertmanager": 19093, "collector": 24324, "grafana": 13001}
OLLAMA = "smollm2-ollama"
CERTAIN_DAY = "2031-01-31"


@dataclass
class Receiver:
    """What alerts reach: keeps each notification."""

    told: list[Mapping[str, Any]] = field(default_factory=list)

    def alerts(self, name: str, status: str) -> list[Mapping[str, Any]]:
        """Alerts of that name and status, of all notifications."""
        return [
            alert
            for each in list(self.told)
            for alert in each["alerts"]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


@pytest.fixture(scope="package")
def receiver() -> Iterator[tuple[Receiver, int]]:
    """A webhook on this machine, where containers can reach it, and its port."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.told.append(loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    gateway = docker.from_env().networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    server = ThreadingHTTPServer((gateway, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept, server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[Receiver, int]) -> Iterator[Stack]:
    """The stack, up, watched."""
    slo = {"availability": 0.99, "firstTokenSeconds": 3}
    config = {
        "models": [
            {"name": MODEL, "engine": "onnx", "contextLength": 1024, "slo": slo},
            {"name": OLLAMA, "model": MODEL, "engine": "ollama", "variant": "gguf-q4_1",
             "contextLength": 1024, "price": {"prompt": 1, "completion": 4}},
        ],
        "keys": [{"id": "default"}, {"id": "alice", "expires": CERTAIN_DAY}],
        "monitoring": {"ports": PORTS, "receivers": [{"name": "hook", "kind": "webhook"}]},
    }  # fmt: skip
    made = new_stack(NAME, PORT, tmp_path_factory.mktemp("monitoring"), config=config)
    try:
        hook = f"http://host.docker.internal:{receiver[1]}/"
        made.must("config", 'receiverSecrets["hook"]', given=hook)
        made.first_up = made.must("up")
        made.key = made.must("key").strip().splitlines()[-1]
        yield made
    finally:
        done = made.ops("down")
    assert done.returncode == 0, done.stdout
    assert made.left() == {"containers": [], "networks": [], "volumes": [], "images": []}


@pytest.fixture(scope="package")
def watched(stack: Stack) -> Watched:
    """What its monitoring was told."""
    settings = settings_of_file(stack)
    return watched_of(stack.name, plan(settings), settings, LIMITS)


@pytest.fixture(scope="package")
def auth(stack: Stack) -> tuple[str, str]:
    """Login and password of the pages."""
    return LOGIN, stack.must("password", "--name", "monitoring").strip().splitlines()[-1]


@pytest.fixture(scope="package")
def prometheus(auth: tuple[str, str]) -> Iterator[httpx.Client]:
    """Its API."""
    with httpx.Client(base_url=f"http://127.0.0.1:{PORTS['prometheus']}", auth=auth, timeout=30) as client:
        yield client


@pytest.fixture(scope="package")
def loaded(stack: Stack) -> str:
    """What `make load` printed."""
    return stack.must("load", "--seconds", "60", "--concurrency", "3")
