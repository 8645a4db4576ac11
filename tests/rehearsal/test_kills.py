"""A run killed with SIGKILL at any point: the next one finishes the job."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.rehearsal.rig import Stack

_FIRST = """
    d = Folder("d", {"name": "fixed", "label": "one"})
    File("inside", {"folder": d.name, "content": "x"})
    File("plain", {"content": "a"})
    File("old", {"content": "z"})
"""
_SECOND = """
    d = Folder("d", {"name": "fixed", "label": "two"})
    File("inside", {"folder": d.name, "content": "x"})
    File("plain", {"content": "b"})
    File("new", {"content": "n"})
"""
_AFTER_FIRST = {"fixed": "<folder>", "fixed/inside": "x", "plain": "a", "old": "z"}
_AFTER_SECOND = {"fixed": "<folder>", "fixed/inside": "x", "plain": "b", "new": "n"}


def _slain(stack: Stack, point: str, verb: str = "up") -> None:
    process = stack.start(verb, SLAY=point)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"{point} was never reached"


def _settled(stack: Stack) -> bool:
    latest = stack.checkpoint()
    marked = [each for each in latest["resources"] if each.get("delete")]
    return not latest.get("pending_operations") and not marked


@pytest.mark.parametrize("point", ["create:before:fixed", "create:after:fixed", "create:after:inside"])
def test_a_kill_while_creating(stack: Stack, point: str) -> None:
    stack.program(_FIRST)
    _slain(stack, point)
    stack.run("up")
    assert stack.files() == _AFTER_FIRST
    assert _settled(stack)


@pytest.mark.parametrize(
    "point",
    [
        "update:before:plain",
        "update:after:plain",
        "delete:after:inside",
        "delete:before:fixed",
        "delete:after:fixed",
        "create:before:fixed",
        "create:after:fixed",
        "delete:after:old",
    ],
)
def test_a_kill_while_changing(stack: Stack, point: str) -> None:
    stack.program(_FIRST).run("up")
    stack.program(_SECOND)
    _slain(stack, point)
    stack.run("up")
    assert stack.files() == _AFTER_SECOND
    assert _settled(stack)
    assert stack.steps() == {}


def test_a_kill_while_changing_and_a_return_to_the_old_program(stack: Stack) -> None:
    stack.program(_FIRST).run("up")
    stack.program(_SECOND)
    _slain(stack, "update:after:plain")
    stack.program(_FIRST).run("up")
    assert stack.files() == _AFTER_FIRST


@pytest.mark.parametrize("point", ["delete:before:inside", "delete:after:fixed"])
def test_a_kill_in_down(stack: Stack, point: str) -> None:
    stack.program(_FIRST).run("up")
    _slain(stack, point, "down")
    stack.run("down")
    assert stack.files() == {}
    assert stack.checkpoint()["resources"] == []


def test_down_after_a_kill_removes_what_was_half_created(stack: Stack) -> None:
    stack.program(_FIRST)
    _slain(stack, "create:after:fixed")
    assert (stack.target / "fixed").is_dir()
    stack.run("down")
    assert stack.files() == {}


def test_what_cannot_be_settled_does_not_hold_up_the_rest_and_is_settled_by_a_later_run(stack: Stack) -> None:
    stack.program(_FIRST).run("up")
    stack.program('File("plain", {"content": "a"})')
    _slain(stack, "delete:before:fixed")
    (stack.target / "fixed" / "foreign").write_text("in the way")
    text = stack.program('File("plain", {"content": "b"})').run("up", code=5)
    assert "d: what an earlier run left is not settled: fixed has ['foreign'] in it" in text
    assert stack.files()["plain"] == "b"
    assert "fixed has ['foreign'] in it" in stack.run("down", code=5)
    (stack.target / "fixed" / "foreign").unlink()
    stack.run("down")
    assert stack.files() == {}
    assert _settled(stack)


def test_what_was_there_before_a_killed_creation_is_not_ours_to_delete(stack: Stack) -> None:
    (stack.target / "mine").write_text("somebody's work")
    stack.program('File("f", {"name": "mine", "content": "x"})')
    _slain(stack, "create:before:mine")
    assert stack.checkpoint()["pending_operations"][0]["type"] == "creating"
    text = stack.run("up", code=5)
    assert "exists" in text
    assert (stack.target / "mine").read_text() == "somebody's work"


def test_a_preview_tells_of_interrupted_operations_and_touches_nothing(stack: Stack) -> None:
    stack.program(_FIRST)
    _slain(stack, "create:after:fixed")
    before = stack.state_file.read_text()
    assert "interrupted" in stack.run("preview")
    assert stack.state_file.read_text() == before
    assert (stack.target / "fixed").is_dir()


def _wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.is_file() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never had {text}")


def test_the_lock_is_held_by_a_living_run_only_and_says_by_whom(stack: Stack) -> None:
    stack.program('File("slow", {"content": "x", "seconds": 30})')
    first = stack.start("up")
    _wait_for(stack.state_file, '"creating"')
    refusal = stack.run("up", code=3)
    assert f"pid {first.pid}" in refusal
    assert f"pid {first.pid}" in stack.run("down", code=3)
    first.kill()
    first.communicate(timeout=10)
    stack.program('File("quick", {"content": "x"})').run("up")
    assert stack.files() == {"quick": "x"}


def test_what_is_done_reaches_the_disk_while_something_else_takes_long(stack: Stack) -> None:
    stack.program("""
        File("slow", {"content": "x", "seconds": 30})
        File("quick", {"content": "y", "seconds": 0.2})
    """)
    run = stack.start("up")
    try:
        _wait_for(stack.state_file, '"creating"')
        _wait_for(stack.state_file, '"size": 1')
        assert list(stack.files()) == ["quick"]
    finally:
        run.kill()
        run.communicate(timeout=10)


def test_an_interrupt_finishes_what_is_under_way_and_begins_nothing_new(stack: Stack) -> None:
    stack.program("""
        slow = File("slow", {"content": "x", "seconds": 2})
        File("next", {"content": slow.path})
    """)
    process = stack.start("up")
    _wait_for(stack.state_file, '"creating"')
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 5, err
    assert "next: interrupted" in err
    assert stack.files() == {"slow": "x"}
    assert not json.loads(stack.state_file.read_text())["checkpoint"]["latest"].get("pending_operations")
    stack.program('File("slow", {"content": "x", "seconds": 2})').run("preview", "--expect-no-changes")
