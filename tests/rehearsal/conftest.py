"""The fixture of these tests: a stack in a temporary folder."""

from pathlib import Path

import pytest

from tests.rehearsal.rig import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    root, target = tmp_path / "project", tmp_path / "target"
    root.mkdir()
    target.mkdir()
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse\n")
    passphrase.chmod(0o600)
    environment = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase)}
    return Stack(root, target, environment).schema("")
