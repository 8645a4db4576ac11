"""render and diff: what a program would register, without state, target or credentials."""

import json
import re
from pathlib import Path

import pytest

from rehearsal import UNKNOWN, RehearsalError, render
from tests.rehearsal.rig import REPOSITORY, Stack

_PROGRAM = """
    config = pulumi.Config()
    box = Box("box", config.require_secret("key"))
    File("late", {"content": "x"}, Opts(depends_on=[box], protect=True))
    pulumi.export("path", box.file.path)
    pulumi.export("key", config.require_secret("key"))
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.mark.usefixtures("here")
def test_render_gives_plain_inputs_and_says_what_is_secret(stack: Stack) -> None:
    stack.program(_PROGRAM)
    rendering = render(stack.root, "dev", {"proj:key": {"secure": "s3cr3t"}})
    file = rendering.named("box-file")
    assert file.inputs == {"folder": UNKNOWN, "content": "s3cr3t"}
    assert file.secret_paths == ("content",)
    assert file.parent == rendering.named("box").urn
    assert file.dependencies == (rendering.named("box-folder").urn,)
    assert rendering.outputs == {"path": UNKNOWN, "key": "s3cr3t"}
    assert rendering.secret_outputs == ("key",)


@pytest.mark.usefixtures("here")
def test_urns_dependencies_and_default_providers_are_those_of_the_real_engine(stack: Stack) -> None:
    stack.program(_PROGRAM)
    rendering = render(stack.root, "dev", {"proj:key": "k"}, secrets={"proj:key"})
    assert [each.urn.removeprefix("urn:pulumi:dev::proj::") for each in rendering.resources] == [
        "file:index:File::late",
        "pulumi:providers:file::default",
        "pulumi:pulumi:Stack::proj-dev",
        "test:index:Box$file:index:File::box-file",
        "test:index:Box$file:index:Folder::box-folder",
        "test:index:Box::box",
    ]
    late = rendering.named("late")
    # The SDK turns depends_on a component into its children.
    assert {urn.rsplit("::", 1)[-1] for urn in late.dependencies} == {"box-file", "box-folder"}
    assert late.protect
    assert late.provider == rendering.named("default").urn
    assert rendering.named("default").inputs == {"root": str(stack.target)}


@pytest.mark.usefixtures("here")
def test_render_can_be_called_again_and_again_in_one_process(stack: Stack) -> None:
    stack.program(_PROGRAM)
    config = {"proj:key": {"secure": "k"}}
    assert render(stack.root, "dev", config) == render(stack.root, "dev", config)


@pytest.mark.usefixtures("here")
def test_a_program_that_fails_to_render_is_an_error_with_its_message(stack: Stack) -> None:
    stack.program("raise ValueError('no such model: gpt-9')")
    with pytest.raises(RehearsalError, match="no such model: gpt-9"):
        render(stack.root, "dev")


def test_rendering_json_is_the_same_from_run_to_run(stack: Stack) -> None:
    stack.program("for i in range(20):\n    Box(f'box{i:02}', str(i))".replace("\n    ", "\n" + " " * 4))
    assert stack.json("render") == stack.json("render")


def test_diff_names_each_changed_property(stack: Stack) -> None:
    stack.program('File("a", {"content": "x", "labels": {"k": "v"}})\nFile("b", {"content": "y"})')
    saved = stack.root / "before.json"
    saved.write_text(json.dumps(stack.json("render")))
    assert "no difference" in stack.run("diff", str(saved))
    stack.program('File("a", {"content": "x", "labels": {"k": "w"}}, Opts(protect=True))\nBox("c", "z")')
    text = stack.run("diff", str(saved))
    assert '~ inputs.labels.k: "v" => "w"' in text
    assert "+ protect: true" in text
    assert "- urn:pulumi:dev::proj::file:index:File::b" in text
    assert "+ urn:pulumi:dev::proj::test:index:Box$file:index:File::c-file" in text


def test_secrets_are_placeholders_where_there_is_no_passphrase(stack: Stack) -> None:
    stack.program(_PROGRAM).run("config", "set", "key", "--secret", "s3cr3t")
    stack.environment.clear()
    text = stack.run("render")
    assert "proj:key rendered with placeholders" in text
    assert "no passphrase is given" in stack.run("preview", code=2)


def test_placeholders_of_two_secrets_differ_and_stay_the_same_from_run_to_run(stack: Stack) -> None:
    for name in ("key", "other"):
        stack.run("config", "set", name, "--secret", "s3cr3t")
    stack.program("for name in ('key', 'other'): print(f'>{pulumi.Config().require(name)}<')")
    stack.environment.clear()
    seen = [re.findall(">(.*)<", stack.run("render")) for _ in range(2)]
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 2


def test_a_diff_against_something_else_is_refused(stack: Stack) -> None:
    other = stack.root / "other.json"
    other.write_text("{}")
    assert "it is the output of `render --json`" in stack.run("diff", str(other), str(other), code=2)


def test_only_one_module_touches_the_inside_of_the_sdk() -> None:
    modules = sorted((REPOSITORY / "rehearsal").rglob("*.py"))
    users = [each.name for each in modules if re.search(r"^(from|import) pulumi", each.read_text(), re.M)]
    assert users == ["sdk.py"]
