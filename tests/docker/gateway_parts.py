"""The parts of the gateway's rig: watched directories, and engines that do what a request says."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from docker.models.containers import Container

from components.gateway.config import render_keys


def key_of(key_id: str) -> str:
    """The key that belongs to an id in these tests."""
    return f"slm-{hashlib.sha256(key_id.encode()).hexdigest()[:43]}"


def keys_map(ids: Iterable[str]) -> str:
    return render_keys({i: hashlib.sha256(key_of(i).encode()).hexdigest() for i in ids})


def until(condition: Callable[[], bool], budget_s: float = 10) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + budget_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


class WatchedDirectory:
    """Laid out as Kubernetes does: name -> ..data/name, ``..data`` switched in one step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = 0
        path.mkdir(parents=True)
        path.chmod(0o755)

    def switch(self, files: Mapping[str, str]) -> None:
        self._version += 1
        fresh = self.path / f"..v{self._version}"
        fresh.mkdir()
        fresh.chmod(0o755)
        for name, content in files.items():
            (fresh / name).write_text(content, encoding="utf-8", newline="")
            (fresh / name).chmod(0o444)
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        (self.path / "..new").symlink_to(fresh.name)
        os.replace(self.path / "..new", self.path / "..data")


def published(container: Container, port: int, budget_s: float = 10) -> int:
    """The port of this machine that reaches the container's."""
    deadline = time.monotonic() + budget_s
    while time.monotonic() < deadline:
        container.reload()
        found = container.ports.get(f"{port}/tcp")
        if found:
            return int(found[0]["HostPort"])
        time.sleep(0.05)
    raise TimeoutError(f"port {port} of {container.name} is not published: {container.logs()!r}")


def control(container: Container, path: str) -> dict[str, Any]:
    """Asks a stub's control port."""
    port = published(container, 9000)
    found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).json()
    return found


@dataclass
class StubEngine:
    """An engine that does what the request says (docker/gateway/tests/stub_engine.py)."""

    container: Container

    def log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = control(self.container, "/log")["log"]
        return entries

    def peak(self) -> int:
        return int(control(self.container, "/log")["peak"])

    def clear(self) -> None:
        control(self.container, "/clear")

    def ready(self, value: bool) -> None:
        control(self.container, f"/ready/{str(value).lower()}")


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts OpenAI's error form and returns the error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert "x-slm-refusal" not in answer.headers
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert error["message"]
    return error
