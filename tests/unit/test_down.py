"""What `make down` says of what stays on a cluster, and what it forgets."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from ops import cluster, removal, runner
from tests.unit.own_stack_file import STACK, own_stack_file

ELSEWHERE = "acme/infrastructure/prod"
UP = {"namespace": "slm-unit"}
CLI = """#!/bin/sh
here=$(dirname "$0")
case "$*" in
stack\\ export*) echo '{"deployment": {"resources": [{}]}}';;
stack\\ output*) echo '{"namespace": "slm-unit"}';;
config*) sed -i /slm-kit:runner/d "$here/Pulumi.unit.yaml";;
destroy*) touch "$here/destroyed";;
esac
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file, of the test's own."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(runner, "CHECKOUT", tmp_path)
    return own_stack_file(tmp_path, monkeypatch)


def write(file: Path, where: Any, **changes: Any) -> None:
    config = {"target": "kubernetes", "kubernetes": where, **changes}
    file.write_text(yaml.safe_dump({"config": {f"slm-kit:{key}": value for key, value in config.items()}}))


def test_the_command_that_removes_the_namespace_is_for_the_stacks_own_cluster(file: Path) -> None:
    kubeconfig = file.parent / "my cluster"
    kubeconfig.touch()
    write(file, {"kubeconfig": str(kubeconfig), "context": "prod"})
    remove = f"kubectl --kubeconfig '{kubeconfig}' --context prod delete namespace slm-unit"
    assert removal.what_stays(STACK, UP) == [
        f"namespace slm-unit stays with its models; `{remove}` removes it",
        "the next `make up STACK=unit` finds the models again",
    ]
    write(file, {"cluster": ELSEWHERE})
    kept = cluster.kept_kubeconfig(ELSEWHERE)
    kept.touch()
    assert f"`kubectl --kubeconfig {kept} delete " in removal.what_stays(STACK, UP)[0]


@pytest.mark.parametrize("where", [{"cluster": ELSEWHERE}, {"kubeconfig": "/etc/my cluster"}])
def test_no_kubeconfig_is_named_that_is_not_here(file: Path, where: dict[str, str]) -> None:
    write(file, where)
    path = cluster.kept_kubeconfig(ELSEWHERE) if "cluster" in where else where["kubeconfig"]
    assert removal.what_stays(STACK, UP)[0].endswith(
        "`kubectl delete namespace slm-unit` removes it with a kubeconfig of its cluster, "
        f"as {path} is not here"
    )


def test_a_claim_of_before_is_not_denied_where_models_are_images(file: Path) -> None:
    write(file, {"modelImages": {}})
    assert removal.what_stays(STACK, UP | {"modelImages": {}}) == [
        "namespace slm-unit stays with the models of a claim, if it had one; "
        "`kubectl delete namespace slm-unit` removes it"
    ]


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ({"images": {"tag": "1"}}, {"models": [{"name": "no longer in the catalog"}]}),
        ({"storeGib": "many", "context": 5}, {"noSetting": 1}),
        (["no object"], {}),
    ],
)
def test_what_is_not_valid_any_more_does_not_keep_down_from_saying_what_stays(
    file: Path, capfd: pytest.CaptureFixture[str], where: Any, changes: dict[str, Any]
) -> None:
    (file.parent / "pulumi").write_text(CLI)
    (file.parent / "pulumi").chmod(0o700)
    write(file, where, runner="pulumi", **changes)
    removal.down(STACK)
    said = capfd.readouterr().err
    assert (file.parent / "destroyed").exists()
    assert "namespace slm-unit stays with its models; `kubectl " in said
    assert "stack unit is down" in said
    assert "slm-kit:runner" not in file.read_text()


@pytest.mark.parametrize("target", ["kubernetes", "edge"])
def test_down_where_nothing_is_known_leaves_what_keeps_purge_from_the_keys(
    file: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    """A team's file from git: the state is on a colleague's machine."""
    write(file, {}, target=target, runner="rehearsal", keySecrets={"a": {"secure": "v1:x"}})
    before = file.read_text()
    removal.down(STACK)
    said = capsys.readouterr().err
    assert f"If nothing of it is up anywhere, remove slm-kit:runner from stacks/{file.name} by hand" in said
    assert file.read_text() == before
    with pytest.raises(KitError, match="was made and is not down"):
        removal.purge(STACK, sure=True)
    assert file.exists()
