"""What `make up` asks on a cluster: a model that is awake, through kubectl, or none."""

import json
import shlex
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops import cluster, keys
from ops.ask import QUESTION
from ops.kubectl import Kubectl
from ops.runner import Rehearsal
from stacks.parsing import parse
from stacks.settings import StackSettings

ANSWER = {"choices": [{"message": {"content": "Paris."}}], "usage": {"completion_tokens": 2}}
FORWARDING = """#!/bin/sh
echo "Forwarding from 127.0.0.1:{port} -> 8080"
exec sleep 60
"""
ASLEEP = {"minReplicas": 0, "maxReplicas": 1}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of models that a gateway is asked for, which a kubectl of the test's own leads to."""
    models: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            models.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["model"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWER).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    monkeypatch.setattr(keys, "show", lambda *_: "slm-key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        (tmp_path / "kubectl").write_text(FORWARDING.format(port=server.server_port))
        (tmp_path / "kubectl").chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        yield models
        server.shutdown()


def settings(scaling: Mapping[str, Mapping[str, Any]]) -> StackSettings:
    """A stack with a model for each name."""
    models = [{"name": name, "model": "smollm2-135m-instruct", "scaling": dict(each)}
              for name, each in scaling.items()]  # fmt: skip
    config = {"target": "kubernetes", "models": models, "keys": [{"id": "team"}], "modelSource": "pypi"}
    return parse({**config, "kubernetes": {"images": {"tag": "1"}}}, {"team": "slm-key"})


def test_a_model_that_is_awake_is_asked_before_one_that_sleeps(asked: list[str]) -> None:
    wanted = settings({"night": ASLEEP, "day": {"maxReplicas": 2}})
    answer = cluster._first_answer(Rehearsal("test"), wanted, Kubectl("slm-test"))
    assert answer is not None
    assert (answer.text, asked) == ("Paris.", ["day"])


def test_a_model_that_sleeps_is_not_waited_for_and_how_to_ask_it_is_said(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster._first_answer(Rehearsal("test"), settings({"night": ASLEEP}), Kubectl("slm-test")) is None
    said = capsys.readouterr()
    assert asked == []
    assert "night sleeps until somebody asks" in said.out + said.err
    (line,) = (line for line in said.out.splitlines() if "curl " in line)
    words = shlex.split(line)
    assert json.loads(words[-1]) == {"model": "night", "messages": [{"role": "user", "content": QUESTION}]}
    assert "Authorization: Bearer $(make -s key ID=team STACK=test)" in words
