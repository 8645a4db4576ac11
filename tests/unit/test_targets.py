"""What the commands do for each target, as far as no cluster and no cloud is needed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.errors import KitError
from ops import (
    cluster,
    decide,
    keys,
    lifecycle,
    paths,
    removal,
    rendering,
    runner,
)
from ops.kubectl import Kubectl
from tests.conftest import ROOT
from tests.unit.own_stack_file import STACK, own_stack_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file, of the test's own."""
    return own_stack_file(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [("kubernetes", ".venv/.run .venv/.kubernetes"), ("aks", ".venv/.run .venv/.azure"),
     ("local-docker", ".venv/.run")],
)  # fmt: skip
def test_make_installs_what_the_target_of_the_stacks_file_needs(
    tmp_path: Path, target: str, wanted: str
) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / f"stacks/Pulumi.{STACK}.yaml").write_text(f"config:\n  slm-kit:target: {target}\n")
    database = ["make", "--print-data-base", "--question", f"STACK={STACK}", "help"]
    said = subprocess.run(database, cwd=tmp_path, text=True, capture_output=True, check=False).stdout
    assert f"\nNEEDED := {wanted}\n" in said.replace(" \n", "\n")


def test_a_machine_with_docker_alone_needs_no_package_of_clusters() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['pulumi_kubernetes', 'pulumi_azure_native'])); "
        "import ops.__main__, stacks.local_docker"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_target_that_is_none_is_named_before_anything_else_is_judged(file: Path) -> None:
    file.write_text("config:\n  slm-kit:target: akss\n  slm-kit:clusterName: x\n")
    commands: list[Callable[[], None]] = [
        lambda: lifecycle.up(STACK, None),
        lambda: rendering.render(STACK),
        lambda: lifecycle.set_config(STACK, "location", "eastus"),
        lambda: removal.down(STACK),
    ]
    for command in commands:
        with pytest.raises(KitError, match=r"'akss' of stack unit: targets are .*Did you mean aks\?"):
            command()


@pytest.mark.parametrize(
    ("target", "command", "instead"),
    [
        ("aks", lambda: lifecycle.set_config(STACK, "location", "eastus"), "pulumi config set --stack unit"),
        ("aks", lambda: lifecycle.key(STACK, keys.KeyOptions()), "serves no model"),
        ("aks", lambda: lifecycle.password(STACK, "monitoring"), "serves no model"),
        ("aks", lambda: lifecycle.logs(STACK, None), "serves no model"),
        ("aks", lambda: lifecycle.load(STACK, 60, 4), "serves no model"),
        ("edge", lambda: lifecycle.logs(STACK, None), "kubectl --kubeconfig"),
        ("edge", lambda: lifecycle.load(STACK, 60, 4), "endpoint of a site"),
        ("kubernetes", lambda: lifecycle.load(STACK, 60, 4), "kubectl … port-forward"),
    ],
)
def test_what_a_command_cannot_do_for_a_target_is_refused_with_what_can(
    file: Path, target: str, command: Callable[[], None], instead: str
) -> None:
    file.write_text(f"config:\n  slm-kit:target: {target}\n")
    with pytest.raises(KitError, match=f"with target {target}: `make .* does not work on it.*{instead}"):
        command()


@pytest.mark.parametrize("target", ["kubernetes", "edge"])
def test_down_of_a_stack_that_is_not_known_here_does_not_say_that_it_is_down(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    file.write_text(f"config:\n  slm-kit:target: {target}\n")
    monkeypatch.setenv("PATH", str(file.parent))
    monkeypatch.setattr(runner, "CHECKOUT", file.parent)
    removal.down(STACK)
    said = capsys.readouterr().err
    assert f"nothing of stack {STACK} is known here: {paths.rehearsal_state(STACK)} has no resource" in said
    assert "is down" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config:\n  slm-kit:target: aks\n  slm-kit:x: {a: 1\n", r"line 4.*is no YAML"),
        ("config:\n  slm-kit:target: [aks: b: c]\n", r"line 2.*is no YAML"),
        ("config:\n  slm-kit:day: 2026-13-45\n", "is no YAML"),
        ("- config\n", "is no object"),
        ("config: [slm-kit:target]\n", "is no object"),
    ],
)
def test_a_stack_file_that_is_no_yaml_is_refused_with_its_line(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    reads: list[Callable[[], object]] = [
        lambda: decide.target(STACK),
        lambda: paths.cluster_stack(STACK),
    ]
    for read in reads:
        with pytest.raises(KitError, match=f"stacks/Pulumi.unit.yaml.*{words}"):
            read()


def test_kubectl_is_told_of_kubeconfig_context_and_namespace() -> None:
    assert Kubectl("slm-x").port_forward() == (
        "kubectl --namespace slm-x port-forward service/gateway-published 8080:8080"
    )
    shown = Kubectl("slm-x", Path("~/my config"), "prod").shown("get", "pods")
    home = Path.home()
    assert shown == f"kubectl --kubeconfig '{home}/my config' --context prod --namespace slm-x get pods"


def test_a_stack_on_another_stacks_cluster_has_its_passphrase(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("config:\n  slm-kit:kubernetes: {cluster: organization/slm-kit/azure}\n")
    theirs = paths.state_folder() / "azure.passphrase"
    paths.write_private(theirs, "of both")
    assert paths.passphrase_file(STACK).read_text() == "of both"
    paths.write_private(theirs, "another")
    assert paths.passphrase_file(STACK).read_text() == "of both", "kept: secrets are encrypted with it"
    fetched = file.parent / ".pulumi-cli/pulumi/pulumi"
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    monkeypatch.setenv("PATH", str(file.parent))
    monkeypatch.setattr(runner, "CHECKOUT", file.parent)
    with pytest.raises(KitError, match="is not that of stack azure") as refusal:
        cluster.check_passphrase(runner.PulumiCli(STACK))
    assert f"`{fetched} stack change-secrets-provider" in str(refusal.value), "the CLI that make fetched"
    cluster.check_passphrase(runner.Rehearsal(STACK))
