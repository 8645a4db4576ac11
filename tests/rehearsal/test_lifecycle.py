"""up, preview and down against a real target (a folder)."""

from pathlib import Path

from tests.rehearsal.rig import Stack

_BOX = """
    box = Box("box", {content!r})
    pulumi.export("path", box.file.path)
    pulumi.export("size", box.file.size)
"""


def test_up_creates_what_the_program_asks_for_and_prints_the_outputs(stack: Stack) -> None:
    text = stack.program(_BOX.format(content="hello")).run("up")
    assert stack.files() == {"box-folder": "<folder>", "box-folder/box-file": "hello"}
    assert "size: 5" in text
    assert "box-file: writing box-file-" in text


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.program(_BOX.format(content="hello")).run("up")
    before = stack.entries()
    assert stack.steps() == {}
    stack.run("preview", "--expect-no-changes")
    stack.run("up")
    assert stack.entries() == before


def test_an_update_in_place_keeps_the_id_and_shows_both_values(stack: Stack) -> None:
    stack.program(_BOX.format(content="hello")).run("up")
    id_ = stack.entries()["box-file"]["id"]
    text = stack.program(_BOX.format(content="bye")).run("preview")
    assert '~ content: "hello" => "bye"' in text
    assert "1 to update" in text.splitlines()[-1]
    stack.run("preview", "--expect-no-changes", code=5)
    stack.run("up")
    assert stack.entries()["box-file"]["id"] == id_
    assert stack.files()["box-folder/box-file"] == "bye"


def test_what_the_program_no_longer_has_is_deleted_dependents_first(stack: Stack) -> None:
    stack.program(_BOX.format(content="hello")).run("up")
    stack.program("pulumi.export('x', 1)")
    assert stack.steps() == {"box": "delete", "box-file": "delete", "box-folder": "delete"}
    stack.run("up")
    assert stack.files() == {}
    assert list(stack.entries()) == ["proj-dev"]


def test_down_deletes_everything_without_running_the_program(stack: Stack) -> None:
    stack.program(_BOX.format(content="hello")).run("up")
    stack.program("raise Exception('the program ran')").run("down")
    assert stack.files() == {}
    assert stack.entries() == {}
    stack.run("down")


def test_a_replacement_is_created_before_the_old_one_is_deleted(stack: Stack) -> None:
    program = """
        a, b = Folder("a", {{}}), Folder("b", {{}})
        File("f", {{"folder": {folder}.name, "content": "x"}})
    """
    stack.program(program.format(folder="a")).run("up")
    stack.program(program.format(folder="b"))
    steps = {step["urn"].rsplit("::", 1)[-1]: step for step in stack.json("preview")["steps"]}
    assert (steps["f"]["op"], steps["f"]["replaceReasons"]) == ("replace", ["folder"])
    text = stack.run("up")
    assert text.index("f (file:index:File): created") < text.index("f (file:index:File): deleting")
    assert stack.files() == {"a": "<folder>", "b": "<folder>", "b/f": "x"}
    assert not any(each.get("delete") for each in stack.checkpoint()["resources"])


def test_delete_before_replace_deletes_first(stack: Stack) -> None:
    program = """
        File("f", {{"name": "fixed", "content": "x", "folder": {folder!r}}},
             Opts(delete_before_replace=True))
    """
    stack.program(program.format(folder=".")).run("up")
    (stack.target / "sub").mkdir()
    text = stack.program(program.format(folder="sub")).run("up")
    assert text.index("f (file:index:File): deleted") < text.index("f (file:index:File): creating")


def test_a_folder_that_must_go_first_takes_along_what_is_in_it(stack: Stack) -> None:
    program = """
        d = Folder("d", {{"name": "fixed", "label": {label!r}}})
        File("inside", {{"folder": d.name, "content": "x"}})
        File("beside", {{"content": "y"}}, Opts(depends_on=[d]))
    """
    stack.program(program.format(label="one")).run("up")
    beside = stack.entries()["beside"]["id"]
    stack.program(program.format(label="two"))
    assert stack.steps() == {"d": "replace", "inside": "replace"}
    text = stack.run("up")
    assert text.index("inside (file:index:File): deleted") < text.index("d (file:index:Folder): deleted")
    assert stack.entries()["beside"]["id"] == beside
    assert (stack.target / "fixed").is_dir()
    assert stack.steps() == {}


def test_a_failed_resource_fails_its_dependents_only(stack: Stack) -> None:
    program = """
        bad = File("bad", {{"content": "x", "fail": {fail}}})
        File("after-bad", {{"content": bad.path}})
        File("ordered", {{"content": "o"}}, Opts(depends_on=[bad]))
        File("good", {{"content": "y"}})
    """
    text = stack.program(program.format(fail=True)).run("up", code=5)
    assert "bad: no luck with bad-" in text
    assert "not tried, because they depend on it: after-bad, ordered" in text
    assert "run `up` again to continue" in text
    assert stack.files() == {"good": "y"}
    stack.program(program.format(fail=False)).run("up")
    assert set(stack.files()) == {"bad", "after-bad", "good", "ordered"}


def test_what_the_pulumi_cli_needs_a_flag_for_is_done_with_the_flag_too(stack: Stack) -> None:
    program = 'File("bad", {"content": "x", "fail": True})\nFile("good", {"content": "y"})'
    stack.program(program).run("up", "--continue-on-error", code=5)
    assert stack.files() == {"good": "y"}
    stack.run("down", "--continue-on-error")
    assert stack.files() == {}


def test_a_program_that_fails_at_its_end_keeps_what_it_left_out_and_tells_all(stack: Stack) -> None:
    both = 'File("here", {"content": "x"})\nFile("away", {"content": "y"})'
    stack.program(both).run("up")
    part = """
        import pulumi
        File("here", {"content": "new"})
        File("bad", {"content": "z", "fail": True})
        raise pulumi.RunError("away does not answer")
    """
    text = stack.program(part).run("up", code=5)
    assert "away does not answer" in text
    assert "bad: no luck with bad-" in text
    assert stack.files() == {"here": "new", "away": "y"}
    stack.program(both).run("up")
    assert stack.files() == {"here": "x", "away": "y"}


def test_after_a_failure_nothing_is_deleted(stack: Stack) -> None:
    stack.program('File("old", {"content": "x"})').run("up")
    stack.program('File("bad", {"content": "x", "fail": True})').run("up", code=5)
    assert stack.files() == {"old": "x"}


def test_what_a_failed_creation_left_stays_to_be_looked_at_and_goes_with_the_next_run(stack: Stack) -> None:
    program = 'File("bad", {{"name": "fixed", "content": "x", "fail": {fail}, "leave": True}})'
    stack.program(program.format(fail=True)).run("up", code=5)
    assert (stack.target / "fixed").read_text() == "half"
    stack.program(program.format(fail=False)).run("up")
    assert (stack.target / "fixed").read_text() == "x"


def test_a_replacement_whose_creation_fails_after_the_deletion_is_forgotten(stack: Stack) -> None:
    program = """
        File("f", {{"name": {name!r}, "content": "x", "fail": {fail}}}, Opts(delete_before_replace=True))
    """
    stack.program(program.format(name="one", fail=False)).run("up")
    stack.program(program.format(name="two", fail=True)).run("up", code=5)
    assert "f" not in stack.entries()
    stack.program(program.format(name="two", fail=False)).run("up")
    assert (stack.target / "two").read_text() == "x"


def test_refresh_notices_what_changed_and_what_is_gone(stack: Stack) -> None:
    stack.program('File("a", {"content": "x"})\nFile("b", {"content": "y"})').run("up")
    a, b = (Path(stack.entries()[name]["id"]) for name in "ab")
    a.write_text("drifted")
    b.unlink()
    assert stack.steps() == {}
    assert stack.steps("--refresh") == {"a": "update", "b": "create"}
    stack.run("refresh")
    assert stack.entries()["a"]["inputs"]["content"] == "drifted"
    assert "b" not in stack.entries()
    stack.run("up")
    assert stack.files() == {"a": "x", "b": "y"}


def test_up_with_refresh_repairs_drift_in_one_go(stack: Stack) -> None:
    stack.program('File("a", {"content": "x"})').run("up")
    Path(stack.entries()["a"]["id"]).unlink()
    stack.run("up", "--refresh")
    assert stack.files() == {"a": "x"}


def test_unknown_outputs_do_not_run_apply_in_a_preview(stack: Stack) -> None:
    program = """
        f = File("f", {"content": "x"})
        File("g", {"content": f.path.apply(lambda path: path.upper())})
    """
    stack.program(program)
    new = {each["urn"].rsplit("::", 1)[-1]: each["newInputs"] for each in stack.json("preview")["steps"]}
    assert new["g"]["content"] == "[unknown]"
    assert not stack.state_file.exists()
    stack.run("up")
    assert stack.files()["g"].startswith("/")
