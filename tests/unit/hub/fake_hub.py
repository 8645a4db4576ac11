"""A small server that answers as the hub's API does, and a catalog of two models that it has."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from catalog import models
from ops.hub import Hub
from ops.lock_models import update

OLD, NEW = "a" * 40, "b" * 40
WEIGHTS = b"weights" * 1000
PLAIN, GATED = "org/plain", "org/gated"


@dataclass
class Answer:
    """What the server does with one request instead of serving the file: status, headers, or a cut."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    body: bytes = b""


@dataclass
class FakeHub:
    """Repositories by name; LFS files are those whose name ends in .safetensors or .gguf."""

    repositories: dict[str, dict[str, bytes]]
    revision: str = OLD
    instead: dict[str, list[Answer]] = field(default_factory=dict)
    """Answers by the beginning of a path, used up in order; the last one stays."""
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""

    def listing(self, repository: str) -> bytes:
        siblings = []
        for name, content in self.repositories[repository].items():
            row: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": _blob(content)}
            if name.endswith((".safetensors", ".gguf")):
                row["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
            siblings.append(row)
        return json.dumps({"id": repository, "sha": self.revision, "siblings": siblings}).encode()

    def answer(self, path: str) -> Answer:
        for beginning, answers in self.instead.items():
            if path.startswith(beginning):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        parts = path.partition("?")[0].strip("/").split("/")
        if path.startswith("/api/models/") and path.endswith("?blobs=true"):
            repository = "/".join(parts[2:4])
            if repository in self.repositories:
                return Answer(200, body=self.listing(repository))
        elif parts[2:3] == ["resolve"] and parts[3] == self.revision:
            content = self.repositories["/".join(parts[:2])].get("/".join(parts[4:]))
            if content is not None:
                return Answer(200, body=content)
        return Answer(404, {"x-error-code": "RepoNotFound"})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def served(fake: FakeHub) -> Iterator[FakeHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.seen.append((self.path, self.headers.get("authorization")))
            answer = fake.answer(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body) + (10 if answer.cut else 0)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    fake.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def small_hub() -> FakeHub:
    """Two repositories with the files that a model has."""
    repository = {
        "config.json": b'{"a": 1}',
        "model.safetensors": WEIGHTS,
        "empty.json": b"",
        "README.md": b"# read me",
        "onnx/config.json": b"{}",
    }
    return FakeHub({PLAIN: dict(repository), GATED: dict(repository)})


def write_model(folder: Path, name: str, repository: str, sources: list[dict[str, Any]]) -> None:
    """A model of the catalog with a variant for each source."""
    (folder / "models").mkdir(exist_ok=True)
    row = {
        "name": name,
        "title": name,
        "parameters": 1000,
        "licence": "MIT",
        "contextLength": 8,
        "attention": {"layers": 2, "kvHeads": 1, "headSize": 4},
        "facts": "made up",
        "variants": {
            f"v{number}": {
                "engine": "vllm",
                "format": "safetensors",
                "quantization": "bf16",
                "bytes": 2000,
                "source": {"kind": "hf", "repository": repository, **source},
            }
            for number, source in enumerate(sources)
        },
    }
    (folder / "models" / f"{name}.yaml").write_text(yaml.safe_dump(row))


def lock(client: Hub, folder: Path, *names: str) -> str:
    """Run it; what the lock file then says."""
    path = folder / "models.lock.yaml"
    try:
        update(client, models.read(folder / "models"), names, path)
    finally:
        models.load.cache_clear()
    return path.read_text()
