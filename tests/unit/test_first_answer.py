"""The first answer is asked for beside the update that brings the model."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops import first_answer, keys
from ops.ask import command
from ops.runner import Rehearsal
from stacks.parsing import parse
from stacks.settings import StackSettings

ANSWER = {"choices": [{"message": {"content": "Paris."}}], "usage": {"completion_tokens": 2}}


class Gateway:
    """Answers once it is open; a model that is not there yet gets 503."""

    def __init__(self) -> None:
        self.open, self.ready, self.starting, self.asked = False, True, 0, 0
        self.login = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200 if outer.open else 404, {})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                outer.login = self.headers["Authorization"]
                self.reply(503 if outer.asked <= outer.starting else 200, ANSWER)

            def reply(self, status: int, body: object) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Update(Rehearsal):
    """A runner whose update is what a test says."""

    def __init__(self, update: Callable[[], None]) -> None:
        super().__init__("test")
        self._update = update

    def up(self) -> None:
        self._update()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    made = Gateway()
    monkeypatch.setattr(keys, "show", lambda *_: "slm-key")
    monkeypatch.setattr(first_answer, "POLL_SECONDS", 0.05)
    # Docker's word on the engine's container.
    monkeypatch.setattr(first_answer, "_is_ready", lambda *_: made.ready)
    yield made
    made.server.shutdown()
    made.server.server_close()


def settings(gateway: Gateway) -> StackSettings:
    config = {
        "target": "local-docker", "models": [{"name": "smollm2-135m-instruct"}], "keys": [{"id": "a"}],
        "modelSource": "pypi", "gatewayPort": gateway.server.server_port,
    }  # fmt: skip
    return parse(config, {"a": "slm-key"})


def test_it_is_shown_while_the_update_still_runs(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.starting = 2

    def update() -> None:
        gateway.open = True
        deadline = time.monotonic() + 20
        while gateway.asked <= gateway.starting:
            assert time.monotonic() < deadline, "nobody asked beside the update"
            time.sleep(0.05)

    answer = first_answer.bring_up(Update(update), settings(gateway))
    assert answer is not None
    assert answer.text == "Paris."
    said = capsys.readouterr()
    assert "first answer" in said.out + said.err
    # Behind the update again: what is shown as speed is the machine's own.
    assert gateway.asked == gateway.starting + 2


def test_a_model_that_is_not_ready_is_not_asked_as_that_would_count_as_its_failure(gateway: Gateway) -> None:
    gateway.open, gateway.ready = False, False
    asked_before: list[int] = []

    def update() -> None:
        gateway.open = True
        time.sleep(0.5)
        asked_before.append(gateway.asked)
        gateway.ready = True

    first_answer.bring_up(Update(update), settings(gateway))
    assert asked_before == [0]


def test_a_gateway_that_answered_before_is_asked_behind_the_update_only(gateway: Gateway) -> None:
    gateway.open = True
    asked_during: list[int] = []

    def update() -> None:
        time.sleep(0.3)
        asked_during.append(gateway.asked)

    first_answer.bring_up(Update(update), settings(gateway))
    assert (asked_during, gateway.asked) == ([0], 1)


def test_an_update_that_fails_is_what_the_user_is_told(gateway: Gateway) -> None:
    def update() -> None:
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        first_answer.bring_up(Update(update), settings(gateway))


def test_the_command_for_a_user_waits_until_a_model_is_awake_and_shows_no_key(
    gateway: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "make").write_text("#!/bin/sh\n[ \"$*\" = '-s key STACK=unit ID=a' ] && echo slm-key\n")
    (tmp_path / "make").chmod(0o700)
    gateway.starting = 2
    line = command(f"http://127.0.0.1:{gateway.server.server_port}/v1", "unit", "a", "chat")
    assert "slm-key" not in line
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", line], env=environment, text=True, capture_output=True, check=True)
    assert gateway.asked == 3
    assert gateway.login == "Bearer slm-key"
    assert done.stdout.endswith(json.dumps(ANSWER)), done.stderr
