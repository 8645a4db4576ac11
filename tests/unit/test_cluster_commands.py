"""The commands for a stack on a cluster: whose stack made it, who is asked, by which port."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from ops import cluster, decide, paths, runner, stack_settings
from stacks.parsing import parse
from stacks.settings import StackSettings
from tests.conftest import ROOT

STACK, ELSEWHERE = "unit", "acme/infrastructure/prod"
PULUMI = """#!/bin/sh
echo "$(cat "$PULUMI_CONFIG_PASSPHRASE_FILE") $*" >>"$(dirname "$0")/calls"
echo '{"namespace": "slm-unit", "kubeconfig": "of the cluster"}'
"""
KUBECTL = """#!/bin/sh
echo "$@"
cat "$2"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with state, the stack's file and programs of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: tmp_path / f"Pulumi.{STACK}.yaml")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path / "kubectl", KUBECTL)
    return tmp_path


def program(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o700)


def settings(where: dict[str, Any] | None = None, **changes: Any) -> StackSettings:
    config = {
        "target": "kubernetes", "models": [{"name": "smollm2-135m-instruct"}], "keys": [{"id": "a"}],
        "modelSource": "pypi", "kubernetes": {"images": {"tag": "1"}, **(where or {})}, **changes,
    }  # fmt: skip
    return parse(config, {"a": "slm-key"})


@pytest.mark.parametrize("named", ["aks", ELSEWHERE])
def test_another_stacks_kubeconfig_is_read_as_the_program_reads_it_and_makes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    program(home / "pulumi", PULUMI)
    own = paths.passphrase_file(STACK)
    paths.write_private(own, "own")
    cluster.logs(runner.PulumiCli(STACK), settings({"cluster": named}), None)
    assert (home / "calls").read_text().splitlines() == [
        f"own stack output --json --stack {STACK} --non-interactive",
        f"own stack output --json --stack {named} --non-interactive",
    ]
    assert list(own.parent.glob("*.passphrase")) == [own]
    kept = own.with_name(f"{named.replace('/', '.')}.kubeconfig")
    said = capsys.readouterr().out
    assert f"--kubeconfig {kept} --namespace slm-unit logs" in said
    assert "of the cluster" in said


@pytest.mark.parametrize(
    ("shown", "words"), [("{}", "is not there"), ('{"kubeconfig": "[secret]"}', "is a secret")]
)
def test_a_cluster_stack_that_does_not_say_where_its_cluster_is_is_refused(
    home: Path, shown: str, words: str
) -> None:
    theirs = f"""#!/bin/sh\ncase "$*" in *prod*) echo '{shown}';; *) echo '{{"namespace": "n"}}';; esac\n"""
    program(home / "pulumi", theirs)
    with pytest.raises(KitError, match=f"stack {ELSEWHERE}: its output kubeconfig {words}"):
        cluster.logs(runner.PulumiCli(STACK), settings({"cluster": ELSEWHERE}), None)


@pytest.mark.parametrize("project", ["slm-kit", "infrastructure"])
def test_the_rehearsal_reads_a_stack_where_its_own_references_do(home: Path, project: str) -> None:
    folder = home / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": project, "runtime": "python"}))
    (folder / "__main__.py").write_text("import pulumi\npulumi.export('kubeconfig', 'k')\n")
    subprocess.run(
        [sys.executable, "-m", "rehearsal", "up", "--stack", "prod", "--project", folder],
        cwd=ROOT, check=True, env=os.environ,
    )  # fmt: skip
    assert runner.Rehearsal(STACK).outputs_of(f"organization/{project}/prod") == {"kubeconfig": "k"}


def test_a_passphrase_of_the_same_name_in_another_project_is_nobodys_business(home: Path) -> None:
    (home / f"Pulumi.{STACK}.yaml").write_text(f"config:\n  slm-kit:kubernetes: {{cluster: {ELSEWHERE}}}\n")
    paths.write_private(paths.state_folder() / "prod.passphrase", "of this project's prod")
    assert paths.passphrase_file(STACK).read_text() != "of this project's prod"
    cluster.check_passphrase(runner.PulumiCli(STACK))
