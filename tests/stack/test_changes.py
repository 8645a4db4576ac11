"""Changes to a running stack: what they touch, and that nobody who is being served notices."""

import re
import subprocess
import time

import pytest
import yaml

from tests.stack.load import Load
from tests.stack.rig import MODEL, TINY, Stack, docker

pytestmark = pytest.mark.docker


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = docker("ps", "-aq", "--no-trunc", "--filter", f"label=slm-kit.stack={stack.name}")
    said = stack.must("up")
    assert re.search(r"^Resources: \d+ unchanged$", said, re.M), said
    assert docker("ps", "-aq", "--no-trunc", "--filter", f"label=slm-kit.stack={stack.name}") == before


def test_a_context_length_replaces_exactly_the_engine(stack: Stack) -> None:
    [gateway] = stack.containers("gateway")
    [engine] = stack.containers(MODEL)
    stack.must("config", "models[0].contextLength", "1024")
    said = stack.must("preview")
    replaced = [line for line in said.splitlines() if re.search(r"\breplace\b", line) and MODEL in line]
    assert len(replaced) == 1, said
    assert "command" in said
    with Load(stack) as load:
        stack.must("up")
        time.sleep(2)
    assert stack.containers("gateway") == [gateway]
    assert stack.containers(MODEL) != [engine]
    assert set(load.answers) == {(200, "")}, load.answers
    stack.must("config", "models[0].contextLength", "2048")
    stack.must("up")


def test_a_key_and_a_model_come_under_load_without_a_lost_request(stack: Stack) -> None:
    gateway = docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", *stack.containers("gateway"))
    settings = {"name": TINY, "variant": "onnx-fp32", "contextLength": 256, "concurrency": 2}
    with Load(stack) as load:
        config = yaml.safe_load(stack.file.read_text())
        config["config"]["slm-kit:models"].append(settings)
        stack.file.write_text(yaml.safe_dump(config))
        stack.must("key", "--new", "second", "--models", TINY)
        stack.must("up")
        second = stack.must("key", "--id", "second").strip().splitlines()[-1]
        time.sleep(2)
        granted, denied = stack.chat(TINY, second), stack.chat(MODEL, second)
    assert set(load.answers) == {(200, "")}, load.answers
    assert load.answers[200, ""] > 5
    assert granted.status_code == 200, granted.text
    assert denied.status_code == 403
    assert denied.json()["error"]["code"] == "model_not_granted"
    assert docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", *stack.containers("gateway")) == gateway


def test_a_killed_engine_is_503_with_retry_after_and_comes_back_by_itself(stack: Stack) -> None:
    [engine] = stack.containers(MODEL)
    with Load(stack) as load:
        time.sleep(1)
        pid = docker("inspect", "-f", "{{.State.Pid}}", engine).strip()
        subprocess.run(["kill", "-9", pid], check=True)
        deadline = time.monotonic() + 120
        while restarts(engine) == "0" or stack.containers(MODEL) != [engine]:
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.2)
        time.sleep(2)
        after = stack.chat()
    assert after.status_code == 200, after.text
    statuses = {status for status, _ in load.answers}
    assert statuses == {200, 503}, load.answers
    assert all(int(each.headers["Retry-After"]) > 0 for each in load.waits)
    assert restarts(engine) == "1"


def restarts(container: str) -> str:
    return docker("inspect", "-f", "{{.RestartCount}}", container).strip()
