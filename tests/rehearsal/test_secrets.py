"""Secrets: encrypted in configuration and state, masked in everything shown, never in the environment."""

import json
import stat

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.state.crypto import Crypter, Vault
from tests.rehearsal.rig import Stack

_PROGRAM = """
    import os
    config = pulumi.Config()
    key = config.require_secret("key")
    File("f", {"name": "f-x", "content": key, "labels": {"plain": "p"}})
    pulumi.export("key", key)
    pulumi.export("seen", "PULUMI_CONFIG_PASSPHRASE" in os.environ)
"""


def _with_key(stack: Stack, value: str) -> Stack:
    stack.schema("  proj:key:\n    type: string\n    secret: true\n")
    stack.run("config", "set", "key", "--secret", stdin=value + "\n")
    return stack.program(_PROGRAM)


def test_no_secret_is_in_plain_in_any_file_but_the_target(stack: Stack) -> None:
    text = _with_key(stack, "s3cr3t-value").run("up")
    assert (stack.target / "f-x").read_text() == "s3cr3t-value"
    for path in [*stack.root.rglob("*.json"), *stack.root.glob("*.yaml")]:
        assert "s3cr3t-value" not in path.read_text()
    assert "s3cr3t-value" not in text
    assert 'key: "[secret]"' in text
    assert stat.S_IMODE(stack.state_file.stat().st_mode) == 0o600


def test_a_secret_is_encrypted_in_the_state_where_it_is_an_input_and_where_it_comes_out(stack: Stack) -> None:
    _with_key(stack, "s3cr3t-value").run("up")
    entry = stack.entries()["f"]
    for side in ("inputs", "outputs"):
        assert set(entry[side]["content"]) == {"4dabf18193072939515e22adb298388d", "ciphertext"}
        assert entry[side]["labels"] == {"plain": "p"}
    salt = stack.checkpoint()["secrets_providers"]["state"]["salt"]
    opened = Vault("correct horse").crypter(salt).decrypt(entry["inputs"]["content"]["ciphertext"])
    assert json.loads(opened) == "s3cr3t-value"


def test_outputs_show_secrets_only_when_asked(stack: Stack) -> None:
    _with_key(stack, "s3cr3t-value").run("up")
    assert stack.run("output", "key").strip() == "[secret]"
    assert stack.run("output", "key", "--show-secrets").strip() == "s3cr3t-value"
    assert stack.json("output") == {"key": "[secret]", "seen": False}


def test_a_changed_secret_is_announced_and_not_shown(stack: Stack) -> None:
    _with_key(stack, "s3cr3t-one").run("up")
    saved = stack.root / "before.json"
    saved.write_text(json.dumps(stack.json("render")))
    text = _with_key(stack, "s3cr3t-two").run("preview")
    assert "content: secret changed" in text
    assert "s3cr3t" not in text
    difference = stack.run("diff", str(saved))
    assert "inputs.content: secret changed" in difference
    assert "s3cr3t" not in saved.read_text() + difference


def test_the_program_never_sees_the_passphrase_in_its_environment(stack: Stack) -> None:
    stack.environment["PULUMI_CONFIG_PASSPHRASE"] = "correct horse"
    _with_key(stack, "s3cr3t-value").run("up")
    assert stack.run("output", "seen").strip() == "false"


def test_a_wrong_passphrase_is_refused_before_anything_is_done(stack: Stack) -> None:
    _with_key(stack, "s3cr3t-value")
    text = stack.run("up", code=2, PULUMI_CONFIG_PASSPHRASE="wrong")
    assert "the passphrase does not open" in text
    assert stack.files() == {}


def test_a_stack_without_secrets_needs_no_passphrase(stack: Stack) -> None:
    stack.environment.clear()
    stack.program('File("f", {"content": "x"})').run("up")
    stack.run("down")


def test_a_secret_that_arises_in_the_program_is_encrypted_with_a_new_salt(stack: Stack) -> None:
    stack.program('File("f", {"content": pulumi.Output.secret("s3cr3t-value")})').run("up")
    assert "s3cr3t-value" not in stack.state_file.read_text()
    stack.run("preview", "--expect-no-changes")


def test_additional_secret_outputs_are_encrypted(stack: Stack) -> None:
    stack.program("""
        f = File("f", {"content": "x"}, Opts(additional_secret_outputs=["path"]))
        pulumi.export("path", f.path)
    """).run("up")
    assert "ciphertext" in stack.entries()["f"]["outputs"]["path"]
    assert stack.json("output") == {"path": "[secret]"}


def test_a_vector_of_the_real_passphrase_provider_opens() -> None:
    # From pkg/secrets/passphrase/manager_test.go of pulumi/pulumi: salt and check made by the real CLI.
    state = "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ=="
    Crypter("password", state)
    with pytest.raises(RehearsalError, match="does not open"):
        Crypter("password123", state)


def test_digests_depend_on_the_passphrase_and_on_nothing_random() -> None:
    one = Crypter("a")
    assert one.digest("x") == Crypter("a", one.salt_state).digest("x")
    assert one.digest("x") not in (one.digest("y"), Crypter("b").digest("x"))
