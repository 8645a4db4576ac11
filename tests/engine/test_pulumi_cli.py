"""The same stack under the real Pulumi engine: up, nothing to do the second time, down."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.stack.rig import Stack, new_stack

pytestmark = [pytest.mark.docker, pytest.mark.engine]
NAME = "test-engine"
PORT = 18183


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = new_stack(NAME, PORT, tmp_path_factory.mktemp("engine"))
    try:
        made.first_up = made.must("up", "--runner", "pulumi")
        made.key = made.must("key").strip().splitlines()[-1]
        yield made
    finally:
        done = made.ops("down")
    assert done.returncode == 0, done.stdout
    assert made.left() == {"containers": [], "networks": [], "volumes": [], "images": []}


def pulumi(stack: Stack, *arguments: str) -> str:
    """The CLI as a user would call it after `make up`."""
    home = stack.home / "slm-kit"
    environment = {
        **stack.environment(),
        "PULUMI_BACKEND_URL": f"file://{home / 'pulumi'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home / f"{NAME}.passphrase"),
    }
    done = subprocess.run(
        ["pulumi", *arguments, "--stack", NAME, "--non-interactive"],
        cwd=stack.checkout, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_up_with_the_cli_ends_with_an_answer(stack: Stack) -> None:
    assert "runner: pulumi" in stack.first_up
    assert "Paris" in stack.first_up


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    said = stack.must("up")
    assert "unchanged" in said
    assert not any(word in said for word in (" created", " updated", " replaced", " deleted")), said


def test_plain_pulumi_agrees(stack: Stack) -> None:
    pulumi(stack, "preview", "--expect-no-changes")


def test_a_context_length_replaces_exactly_the_engine(stack: Stack) -> None:
    stack.must("config", "models[0].contextLength", "1024")
    steps = json.loads(pulumi(stack, "preview", "--json"))["steps"]
    replaced = {step["urn"].rpartition("::")[2] for step in steps if "replace" in step["op"]}
    assert replaced == {"smollm2-135m-instruct"}
    assert {step["op"] for step in steps} <= {"same", "replace", "create-replacement", "delete-replaced"}
    stack.must("config", "models[0].contextLength", "2048")


def test_no_key_is_plain_in_the_state(stack: Stack) -> None:
    exported = pulumi(stack, "stack", "export")
    assert stack.key not in exported
    for path, _, files in os.walk(stack.home):
        for file in files:
            with open(os.path.join(path, file), "rb") as opened:
                assert stack.key.encode() not in opened.read()


def test_another_runner_is_refused_until_the_stack_is_down(stack: Stack) -> None:
    done = stack.ops("up", "--runner", "rehearsal")
    assert done.returncode == 2
    assert "make down" in done.stdout
