"""`make render` where keys are not made yet, or where the passphrase of those that are is not here."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import decide, keys, paths, rendering, runner
from tests.conftest import ROOT

STACK = "unit"
MODEL = {"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}
TWO_KEYS = [{"id": "a", "models": ["*"]}, {"id": "b", "models": ["*"]}]
LOCAL: dict[str, Any] = {"target": "local-docker", "models": [MODEL], "keys": TWO_KEYS}
OUTSIDE = {
    "name": "outside", "engine": "external",
    "external": {"url": "https://models.example.com/v1", "model": "m", "credential": "bearer"},
}  # fmt: skip
ON_CALL = {"name": "on-call", "kind": "slack", "channel": "#alerts"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file, of the test's own."""
    file = tmp_path / f"Pulumi.{STACK}.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    for module in (decide, paths):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    return file


def write(file: Path, config: dict[str, Any]) -> None:
    """The plain values; the encrypted ones stay."""
    content = yaml.safe_load(file.read_text()) if file.exists() else {"config": {}}
    content["config"] |= {f"slm-kit:{key}": value for key, value in config.items()}
    file.write_text(yaml.safe_dump(content))


def rendered(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """All resources, and no text that stands for a secret."""
    capfd.readouterr()
    rendering.render(STACK)
    shown = capfd.readouterr().out
    assert rendering.UNMADE not in shown
    resources: list[dict[str, Any]] = json.loads(shown)["resources"]
    return resources


def encrypted_elsewhere(file: Path, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]) -> None:
    """The file as a colleague's machine left it in git, without the passphrase that stayed there."""
    theirs = runner.Rehearsal(STACK)
    checkout = file.parent / "checkout"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (checkout / "stacks" / file.name).symlink_to(file)
    (checkout / "rehearsal").symlink_to(ROOT / "rehearsal")
    with monkeypatch.context() as there:
        there.setattr(runner, "CHECKOUT", checkout)
        keys.ensure(theirs)
        keys.ensure_passwords(theirs)
        for place, value in secrets.items():
            theirs.set_config(f"slm-kit:{place}", value, secret=True, path=True)
    assert "encryptionsalt" in file.read_text()
    paths.passphrase_place(STACK).unlink()


def test_two_keys_that_are_not_made_yet_are_rendered(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(file, LOCAL)
    first = rendered(capfd)
    assert "gateway" in {each["name"] for each in first}
    assert rendered(capfd) == first, "what nobody can open has nothing in it that changes"


def test_the_chat_pages_key_beside_the_stacks_own_is_rendered(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(file, {**LOCAL, "keys": TWO_KEYS[:1], "openWebui": {"adminEmail": "a@b.example"}})
    assert "open-webui" in {each["name"] for each in rendered(capfd)}


def test_a_site_with_two_keys_is_rendered(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    site = {"name": "shop", "hardware": "cpu-8", "location": "here", "models": [MODEL], "keys": TWO_KEYS}
    write(file, {"target": "edge", "sites": [{**site, "docker": {"host": "ssh://shop"}}]})
    assert "shop" in {each["name"] for each in rendered(capfd)}


def test_new_keys_beside_one_that_is_made_are_rendered_with_the_passphrase(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, {**LOCAL, "keys": TWO_KEYS[:1]})
    kept = "of this machine"
    paths.write_private(paths.passphrase_place(STACK), kept)
    encrypted_elsewhere(file, monkeypatch, {})
    paths.write_private(paths.passphrase_place(STACK), kept)
    write(file, {"keys": [*TWO_KEYS, {"id": "c", "models": ["*"]}]})
    assert "gateway" in {each["name"] for each in rendered(capfd)}


def test_without_the_passphrase_two_keys_and_other_secrets_are_rendered(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential may have no blank in it, and a receiver's secret is an address."""
    write(file, {**LOCAL, "models": [MODEL, OUTSIDE], "monitoring": {"receivers": [ON_CALL]}})
    secrets = {
        'externalSecrets["outside"]': "sk-1",
        'receiverSecrets["on-call"]': "https://hooks.example.com/1",
        "downloadSettings.httpsProxy": "http://proxy.example.com:3128",
    }
    encrypted_elsewhere(file, monkeypatch, secrets)
    before = file.read_bytes()
    first = rendered(capfd)
    assert "gateway" in {each["name"] for each in first}
    assert rendered(capfd) == first
    assert file.read_bytes() == before
    assert not paths.passphrase_place(STACK).exists()


def test_without_the_passphrase_a_newly_listed_key_is_rendered(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, {**LOCAL, "keys": TWO_KEYS[:1]})
    encrypted_elsewhere(file, monkeypatch, {})
    write(file, {"keys": TWO_KEYS})
    assert "gateway" in {each["name"] for each in rendered(capfd)}
