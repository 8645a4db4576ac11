"""Rules of the commands that need no engine: what is refused, kept, forgotten."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import yaml

from catalog.errors import KitError, UpdateError
from ops import decide, keys, lifecycle, model_source, paths, rendering, runner, stack_settings
from tests.conftest import ROOT

STACK = "unit"


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runner.Runner:
    """A stack file of the test's own, worked by the real rehearsal."""
    file = tmp_path / f"Pulumi.{STACK}.yaml"
    file.write_text((ROOT / "stacks/Pulumi.local-docker.example.yaml").read_text())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    checkout = tmp_path / "checkout"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (checkout / "stacks" / file.name).symlink_to(file)
    (checkout / "rehearsal").symlink_to(ROOT / "rehearsal")
    monkeypatch.setattr(runner, "CHECKOUT", checkout)
    return runner.Rehearsal(STACK)


def written(used: runner.Runner) -> dict[str, object]:
    return decide.config(used.stack)


def test_a_missing_key_is_made_and_an_orphaned_one_forgotten(used: runner.Runner) -> None:
    keys.ensure(used)
    first = keys.show(used, "default")
    used.set_config('slm-kit:keySecrets["gone"]', "slm-old", secret=True, path=True)
    keys.ensure(used)
    assert keys.show(used, "default") == first
    with pytest.raises(KitError, match="gone"):
        keys.show(used, "gone")


def test_a_rotated_key_is_another_one(used: runner.Runner) -> None:
    keys.ensure(used)
    first = keys.show(used, "default")
    keys.rotate(used, "default")
    assert keys.show(used, "default") != first


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_render_makes_no_key_and_forgets_none(
    used: runner.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    used.set_config('slm-kit:keySecrets["gone"]', "slm-old", secret=True, path=True)
    monkeypatch.setattr(runner, "CHECKOUT", ROOT)
    before = everything_below(tmp_path)
    rendering.render(STACK)
    shown = json.loads(capfd.readouterr().out)
    assert "docker:index/container:Container" in {each["type"] for each in shown["resources"]}
    assert everything_below(tmp_path) == before


def test_a_render_of_a_stack_without_a_file_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(decide, "stack_file", lambda _: tmp_path / f"Pulumi.{STACK}.yaml")
    example = ROOT / "stacks/Pulumi.local-docker.example.yaml"
    monkeypatch.setattr(decide, "example_file", lambda _: example)
    rendering.render(STACK)
    assert json.loads(capfd.readouterr().out)["resources"]
    assert everything_below(tmp_path) == {}


def test_a_key_for_a_model_that_is_not_served_leaves_no_trace(used: runner.Runner) -> None:
    keys.ensure(used)
    before = written(used)
    with pytest.raises(KitError, match="this stack serves"):
        lifecycle.key(STACK, keys.KeyOptions(new="second", models=("gpt-5",)))
    assert written(used) == before


def test_a_new_keys_day_of_expiry_is_kept_as_text(used: runner.Runner) -> None:
    keys.ensure(used)
    lifecycle.key(STACK, keys.KeyOptions(new="guest", expires="2199-01-31"))
    added = {"id": "guest", "models": ["*"], "expires": "2199-01-31"}
    entries = written(used)["slm-kit:keys"]
    assert isinstance(entries, list)
    assert entries[-1] == added, "and not a date: YAML would read one where quotes were lost"
    assert stack_settings.settings_of(STACK, with_secrets=False).keys[-1].expires == date(2199, 1, 31)
    shown = used.read("config", "get", "--path", "slm-kit:keys[1].expires").strip()
    assert shown == "2199-01-31"


@pytest.mark.parametrize(
    ("expires", "words"), [("tomorrow", "must be a day"), ("2020-01-31", "would be refused at once")]
)
def test_a_key_that_no_day_ends_or_one_gone_by_is_not_made(
    used: runner.Runner, expires: str, words: str
) -> None:
    keys.ensure(used)
    before = written(used)
    with pytest.raises(KitError, match=words):
        lifecycle.key(STACK, keys.KeyOptions(new="guest", expires=expires))
    with pytest.raises(KitError, match="refused at once"):
        lifecycle.key(STACK, keys.KeyOptions(new="guest", expires=str(keys.today())))
    assert written(used) == before


def test_a_value_that_cannot_work_is_not_kept(used: runner.Runner) -> None:
    before = written(used)
    with pytest.raises(KitError, match="at most 8192"):
        lifecycle.set_config(STACK, "models[0].contextLength", "9000")
    assert written(used) == before


def test_a_secret_is_not_taken_from_the_arguments(used: runner.Runner) -> None:
    with pytest.raises(KitError, match="standard input"):
        lifecycle.set_config(STACK, "downloadSettings.hubToken", "hf_x")
    assert "hf_x" not in yaml.safe_dump(written(used))


@pytest.mark.usefixtures("used")
def test_preview_before_the_first_up_names_the_next_step() -> None:
    with pytest.raises(KitError, match="make up STACK=unit"):
        lifecycle.preview(STACK)


def test_a_model_source_is_one_that_has_a_variant_for_the_models_engine() -> None:
    config = {"slm-kit:models": [{"name": "smollm2-135m-instruct", "engine": "onnx"}]}
    assert model_source.any_source(config) == "hf"
    assert model_source.other_source(config) == "pypi"


def test_a_command_that_failed_is_named_with_its_verb_whoever_ran_it(
    used: runner.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KitError, match=r"^rehearsal config get: failed"):
        used.read("config", "get", "--path", "slm-kit:none")
    (tmp_path / "pulumi").write_text("#!/bin/sh\nexit 255\n")
    (tmp_path / "pulumi").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    cli = runner.PulumiCli(STACK)
    for run, named in (
        (lambda: cli.show("up", "--continue-on-error"), "pulumi up"),
        (cli.preview, "pulumi preview"),
        (cli.down, "pulumi destroy"),
        (cli.outputs, "pulumi stack output"),
        (cli.prepare, "pulumi stack select"),
    ):
        with pytest.raises(UpdateError, match=f"^{named}: failed with exit code 255") as failed:
            run()
        begun = named in ("pulumi up", "pulumi destroy")
        assert ("it continues" in str(failed.value)) == begun, "only of what was begun"


def test_an_interrupt_lets_the_program_end_in_order(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group; a program that takes a second to tidy up is waited for."""
    mark = tmp_path / "tidied"
    slow = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n    time.sleep(1); pathlib.Path(sys.argv[1]).write_text('yes'); sys.exit(1)\n"
        "signal.signal(signal.SIGINT, end); print('up', flush=True); time.sleep(20)\n"
    )
    caller = (
        "import os, sys\nfrom ops.runner import run_to_its_end\n"
        "command = [sys.executable, '-c', sys.argv[1], sys.argv[2]]\n"
        "run_to_its_end(command, os.environ, capture=False, given=None)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", caller, slow, str(mark)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert mark.read_text() == "yes"
