"""No key is anywhere it can be read without asking for it by name."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.stack.rig import Stack, docker

pytestmark = pytest.mark.docker


def test_no_key_in_what_docker_shows_of_any_container(stack: Stack) -> None:
    stack.chat()
    for name in stack.containers():
        shown = docker("inspect", name) + docker("logs", name)
        assert stack.key not in shown, name
        assert hashlib.sha256(stack.key.encode()).hexdigest() not in shown, name


def test_no_key_in_image_history(stack: Stack) -> None:
    images = docker("image", "ls", "-q", "--filter", f"reference=slm-kit/*:{stack.name}").split()
    assert len(images) >= 3
    for image in images:
        history = docker("history", "--no-trunc", image)
        assert stack.key not in history
        assert "PIP_" not in history, "what reaches an index is for build stages only"


def test_the_gateway_holds_the_hash_and_not_the_key(stack: Stack) -> None:
    [gateway] = stack.containers("gateway")
    held = docker("exec", gateway, "cat", "/etc/slm/secrets/keys.map")
    assert hashlib.sha256(stack.key.encode()).hexdigest() in held
    assert stack.key not in held


def test_state_and_config_hold_the_key_encrypted(stack: Stack) -> None:
    files = [each for each in stack.home.rglob("*") if each.is_file()]
    assert files
    for each in [*files, stack.file]:
        content = each.read_bytes()
        assert stack.key.encode() not in content, each
        assert hashlib.sha256(stack.key.encode()).hexdigest().encode() not in content, each


def test_private_files_are_their_owners(stack: Stack) -> None:
    private = [each for each in stack.home.rglob("*") if each.suffix in (".json", ".passphrase")]
    assert len(private) >= 2
    assert {_mode(each) for each in private} == {"0o600"}


def test_the_access_log_tells_the_key_id_and_not_the_prompt(stack: Stack) -> None:
    [gateway] = stack.containers("gateway")
    marker = "zanzibar-marker"
    stack.client().completions.create(model="smollm2-135m-instruct", prompt=marker, max_tokens=4)
    logs = docker("logs", "--tail", "200", gateway)
    assert marker not in logs
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    assert any("default" in line.values() for line in lines if "event" not in line)


def _mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)
