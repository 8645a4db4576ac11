"""What the commands do for a cluster on Azure, as far as no cloud is needed."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.errors import HostError, KitError
from ops import (
    azure,
    lifecycle,
    removal,
    runner,
)
from tests.conftest import ROOT
from tests.unit.own_stack_file import STACK, own_stack_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file, of the test's own."""
    return own_stack_file(tmp_path, monkeypatch)


def test_a_cluster_on_azure_is_not_for_the_rehearsal(file: Path) -> None:
    file.write_text("config:\n  slm-kit:target: aks\n")
    with pytest.raises(KitError, match="no backend for Azure"):
        lifecycle.up(STACK, "rehearsal")


def test_without_the_pulumi_cli_a_cluster_on_azure_is_refused_with_the_next_step(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("config:\n  slm-kit:target: aks\n")
    monkeypatch.setenv("PATH", str(file.parent))
    monkeypatch.setattr(runner, "CHECKOUT", file.parent)
    monkeypatch.setattr(azure, "install_cli", lambda: False)
    commands: list[Callable[[], None]] = [
        lambda: lifecycle.up(STACK, None),
        lambda: lifecycle.preview(STACK),
    ]
    for command in commands:
        with pytest.raises(HostError, match="needs the Pulumi CLI") as refusal:
            command()
        assert "make render STACK=unit" in str(refusal.value)


def test_what_the_example_has_in_the_place_of_ones_own_is_refused_by_name(file: Path) -> None:
    file.write_text((ROOT / "stacks" / "Pulumi.aks.example.yaml").read_text())
    commands: list[Callable[[], None]] = [
        lambda: lifecycle.up(STACK, None),
        lambda: lifecycle.preview(STACK),
    ]
    for command in commands:
        with pytest.raises(KitError, match=r"Put your own into stacks/Pulumi\.unit\.yaml") as refused:
            command()
        for key in ("subscriptionId", "tenantId", "operators", "apiServer"):
            assert f"slm-kit:{key}: " in refused.value.value
        assert "198.51.100.7/32" in refused.value.value


@pytest.mark.parametrize("text", ["203.0.113.5/24", "192.0.2.1"])
def test_an_address_of_documentation_is_noticed_however_it_is_written(file: Path, text: str) -> None:
    file.write_text(f"config:\n  slm-kit:target: aks\n  slm-kit:apiServer: {{authorizedRanges: [{text}]}}\n")
    with pytest.raises(KitError, match=f"slm-kit:apiServer: {re.escape(text)}: are an example's"):
        lifecycle.preview(STACK)


CLI = r"""#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
here=$(dirname "$0")
case "$*" in
stack\ export*) test -e "$here/held" && held='{}'; echo "{\"deployment\": {\"resources\": [$held]}}";;
*--json*) echo '{"clusterName": "c", "registry": "r1.azurecr.io", "kubeconfig": "k"}';;
esac
"""


def test_a_cluster_on_azure_is_shown_asked_for_and_then_made(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("config:\n  slm-kit:target: aks\n  slm-kit:runner: pulumi\n")
    (file.parent / "pulumi").write_text(CLI)
    (file.parent / "pulumi").chmod(0o700)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    with pytest.raises(KitError, match="Nothing was done"):
        lifecycle.up(STACK, None)
    calls = file.parent / "calls"
    assert [call.split()[0] for call in calls.read_text().splitlines()] == ["stack", "preview"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{STACK}\n"))
    lifecycle.up(STACK, None)
    made = calls.read_text().splitlines()[2:]
    assert [call.split()[0] for call in made] == ["stack", "preview", "up", "stack"]
    assert made[2] == f"up --yes --skip-preview --stack {STACK} --non-interactive"
    assert "make images STACK=kubernetes PREFIX=r1.azurecr.io/slm-kit PUSH=1" in capsys.readouterr().out


def test_a_cluster_is_not_removed_unless_somebody_types_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for typed in ("", "yes\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(KitError, match="Nothing was done"):
            azure.before_down(STACK, sure=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{STACK}\n"))
    azure.before_down(STACK, sure=False)


def test_down_of_a_cluster_on_azure_asks_the_pulumi_cli_though_nothing_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("config:\n  slm-kit:target: aks\n")
    monkeypatch.setattr(runner, "CHECKOUT", file.parent)
    monkeypatch.setattr(azure, "install_cli", lambda: False)
    monkeypatch.setenv("PATH", str(file.parent))
    with pytest.raises(HostError, match="needs the Pulumi CLI"):
        removal.down(STACK)
    (file.parent / "pulumi").write_text(CLI)
    (file.parent / "pulumi").chmod(0o700)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")
    removal.down(STACK)
    said = capsys.readouterr().err
    assert "nothing of stack unit is known here: the Pulumi CLI's backend file://" in said
    assert "keys" not in said
    (file.parent / "held").touch()
    removal.down(STACK, sure=True)
    said = capsys.readouterr().err
    assert "stack unit is down" in said
    assert "keys" not in said


def test_purge_of_a_stack_whose_state_has_resources_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brought up by the Pulumi CLI itself: `make` wrote no runner. Its passphrase is still needed."""
    file.write_text("config:\n  slm-kit:target: aks\n")
    (file.parent / "pulumi").write_text(CLI)
    (file.parent / "pulumi").chmod(0o700)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")
    (file.parent / "held").touch()
    with pytest.raises(KitError, match="is not down"):
        removal.purge(STACK, sure=True)
    (file.parent / "held").unlink()
    removal.purge(STACK, sure=True)
    assert not file.exists()
    assert "what this machine kept of it" in capsys.readouterr().err
