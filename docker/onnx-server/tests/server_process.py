"""A real server: a process of its own, on a free port, spoken to over TCP."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

START_SECONDS = 60
NAME = "tiny"


class ServerProcess:
    """``python -m onnx_server`` (or ``code``, a Python program) with ``options``."""

    def __init__(self, model: Path, options: Sequence[str] = (), *, code: str | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        program = ["-c", code] if code else ["-m", "onnx_server"]
        fixed = ["--model", str(model), "--served-name", NAME, "--allow-unverified"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--threads", "1"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *fixed, *where, *options],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def wait_until_ready(self) -> "ServerProcess":
        """Block until /ready answers 200."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.http.get("/ready").status_code == httpx.codes.OK:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server did not start: {self.output()}")

    def openai(self) -> OpenAI:
        """The official client; it never retries, so that each refusal is seen."""
        # It keeps no connection open, so nobody has to close it.
        alone = {"Connection": "close"}
        return OpenAI(
            base_url=f"{self.url}/v1", api_key="unused", max_retries=0, timeout=60, default_headers=alone
        )

    def chat(self, **fields: Any) -> httpx.Response:
        """POST a chat completion; ``fields`` replace or add to a short greedy request."""
        body = {
            "model": NAME,
            "messages": [{"role": "user", "content": "hello world"}],
            "temperature": 0,
            "max_tokens": 8,
            **fields,
        }
        return self.http.post("/v1/chat/completions", json=body)

    def metric(self, name: str, **labels: str) -> float:
        """The value of one series of /metrics."""
        shown = ",".join(f'{key}="{value}"' for key, value in labels.items())
        series = f"{name}{{{shown}}}" if labels else name
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(f"{series} "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no series {series}")

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(timeout=60)

    def output(self) -> str:
        """What it has written so far."""
        # The process writes at the place in the file that it shares with us: a seek would move it too.
        whole = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), whole, 0).decode()

    def log(self) -> list[dict[str, Any]]:
        """Its lines, as JSON."""
        return [json.loads(line) for line in self.output().splitlines()]

    def stop(self) -> None:
        """End the process, if it runs."""
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._output.close()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(check: Any, seconds: float = 20) -> None:
    """Wait until ``check()`` is true; fail when it does not become so."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.01)
