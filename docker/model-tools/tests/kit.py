"""What the tests share: specifications, and runs of the command line in and out of process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from model_tools.cli import main

CONTENT = bytes(range(256)) * 8192
"""2 MiB: large enough to be cut in the middle."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def entry(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"name": name, "sha256": sha256(content), "bytes": len(content), **more}


def spec_of(source: dict[str, Any], identity: str, model: str = "tiny") -> dict[str, Any]:
    return {
        "model": model,
        "variant": "gguf",
        "path": f"{model}/gguf/{identity[:16]}",
        "source": source,
        "convert": None,
    }


def web_spec(url: str, content: bytes = CONTENT, model: str = "tiny") -> dict[str, Any]:
    source = {"kind": "https", "files": [entry("model.gguf", content, url=url)]}
    return spec_of(source, sha256(content), model)


@dataclass
class Result:
    code: int
    out: str
    err: str


@dataclass
class Tool:
    """Runs `model-tools` on one store."""

    store: Path
    capture: pytest.CaptureFixture[str]

    def run(self, command: str, *arguments: str) -> Result:
        self.capture.readouterr()
        code = main([command, "--store", str(self.store), *arguments])
        return Result(code, *self.capture.readouterr())

    def ensure(self, spec: dict[str, Any], *arguments: str) -> Result:
        quick = ("--attempts", "3", "--stall-seconds", "1", "--backoff-seconds", "0.01")
        return self.run("ensure", "--spec", json.dumps(spec), *quick, *arguments)

    def start(self, spec: dict[str, Any], *arguments: str) -> subprocess.Popen[str]:
        """A process of its own, to be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "model_tools", "ensure", "--store", str(self.store),
             "--spec", json.dumps(spec), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
        )  # fmt: skip

    def folder(self, spec: dict[str, Any]) -> Path:
        return self.store / str(spec["path"])

    def parts(self) -> list[Path]:
        return list(self.store.glob(".work/*/source/*.part"))

    def served(self) -> list[str]:
        """What an engine would find: everything outside the store's own folders."""
        files = (path for path in self.store.rglob("*") if path.is_file())
        below = (path.relative_to(self.store) for path in files)
        return sorted(str(path) for path in below if not path.parts[0].startswith("."))
