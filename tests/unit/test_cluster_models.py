"""Where a cluster's models are said to come from."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import decide, model_source, paths, runner, stack_settings, trust

STACK = "unit"
MODEL = {"name": "smollm2-135m-instruct", "contextLength": 1024, "concurrency": 2}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file, of the test's own."""
    file = tmp_path / f"Pulumi.{STACK}.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    return file


def write(file: Path, **where: Any) -> None:
    config = {
        "target": "kubernetes", "models": [MODEL], "keys": [{"id": "a"}],
        "kubernetes": {"images": {"tag": "1"}, **where},
    }  # fmt: skip
    file.write_text(yaml.safe_dump({"config": {f"slm-kit:{key}": value for key, value in config.items()}}))


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({}, "on this machine; the cluster's pods fetch by themselves)"),
        ({"modelImages": {}}, "on this machine; `make images` fetches here)"),
    ],
)
def test_a_source_that_is_decided_says_who_fetches_from_it(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    where: dict[str, Any],
    said: str,
) -> None:
    written = dict[str, str]()
    monkeypatch.setattr(trust, "find", lambda: trust.Trust("", {}))
    monkeypatch.setattr(model_source, "choose", lambda _: ("pypi", "the model hub does not answer"))
    monkeypatch.setattr(runner.Rehearsal, "set_config", lambda _, key, value: written.update({key: value}))
    write(file, **where)
    decide.decide_cluster(STACK, runner.Rehearsal(STACK))
    assert written == {"slm-kit:modelSource": "pypi"}
    assert said in capsys.readouterr().err
