from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit import CONTENT, Tool, web_spec
from model_tools.store import MARGIN_BYTES
from origin import Origin

SMALL = Path("/small")


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_killed_download_is_continued_by_the_next_run(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["stall:700000"])
    spec = web_spec(f"{origin.url}/m")
    with tool.start(spec) as process:
        wait_for(lambda: any(part.stat().st_size == 700_000 for part in tool.parts()))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert tool.served() == []
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert origin.asked("/m")[-1].headers["range"] == "bytes=700000-"
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT
    assert list((tool.store / ".work").iterdir()) == []


def test_sigterm_ends_a_download_at_once(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["stall:700000"])
    with tool.start(web_spec(f"{origin.url}/m")) as process:
        wait_for(tool.parts)
        process.terminate()
        assert process.wait(timeout=5) == 128 + signal.SIGTERM


def test_a_run_that_died_before_its_rename_is_finished_without_a_download(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec, "--attempts", "1").code == 0
    # Back to the moment before the rename: everything is in the work folder, manifest included.
    origin.resources["/m"].faults = ["stall:0"]
    published = tool.folder(spec)
    kept = tool.store / "kept"
    published.rename(kept)
    assert tool.ensure(spec, "--attempts", "1").code == 4
    (work,) = (tool.store / ".work").iterdir()
    shutil.rmtree(work / "source")
    kept.rename(work / "source")
    origin.seen.clear()
    assert tool.ensure(spec).code == 0
    assert origin.seen == []
    assert tool.run("verify").code == 0


def test_two_runs_of_one_model_download_it_once(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["stall:700000"])
    spec = web_spec(f"{origin.url}/m")
    with tool.start(spec, "--stall-seconds", "2") as first:
        wait_for(tool.parts)
        with tool.start(spec) as second:
            assert second.wait(timeout=30) == 0
            assert second.stdout is not None
            assert "waiting for another model-tools" in second.stdout.read()
        assert first.wait(timeout=30) == 0
    assert len(origin.asked("/m")) == 2  # the stalled one and its continuation
    assert tool.run("verify").code == 0


def test_a_store_that_stays_locked_ends_with_3(tool: Tool, origin: Origin) -> None:
    with (tool.store / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = tool.ensure(web_spec(f"{origin.url}/m"), "--lock-seconds", "0.3")
    assert result.code == 3
    assert "is locked" in result.err


def test_a_lock_file_of_a_dead_process_is_no_obstacle(tool: Tool, origin: Origin) -> None:
    (tool.store / ".lock").touch()
    origin.put("/m", CONTENT)
    assert tool.ensure(web_spec(f"{origin.url}/m"), "--lock-seconds", "0.3").code == 0


def test_abandoned_work_is_deleted_and_fresh_work_of_others_is_not(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    work = tool.store / ".work"
    for name, age in (("aside-1", 0), ("old", 2 * 24 * 3600), ("fresh", 60)):
        (work / name).mkdir(parents=True)
        (work / name / "file").write_text("x")
        for path in (work / name / "file", work / name):
            os.utime(path, (time.time() - age,) * 2)
    assert tool.ensure(web_spec(f"{origin.url}/m")).code == 0
    assert [entry.name for entry in work.iterdir()] == ["fresh"]


def test_a_store_that_may_not_be_written_ends_with_3(tool: Tool, origin: Origin) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    tool.store.chmod(0o555)
    result = tool.ensure(web_spec(f"{origin.url}/m"))
    tool.store.chmod(0o755)
    assert result.code == 3
    assert f"for user {os.getuid()}" in result.err


@pytest.fixture
def small(tool: Tool) -> Iterator[Path]:
    """A store on a volume of a few MB; run the tests with --tmpfs /small:size=4m,mode=1777."""
    if not os.path.ismount(SMALL):
        pytest.skip(f"{SMALL} is not a small volume of its own")
    tool.store = SMALL / "models"
    tool.store.mkdir()
    yield SMALL
    shutil.rmtree(tool.store)


def fill(filler: Path, leave: int) -> None:
    with filler.open("wb", buffering=0) as file:
        file.write(bytes(shutil.disk_usage(filler.parent).free - leave))


def test_a_volume_too_small_is_refused_before_the_download(tool: Tool, origin: Origin, small: Path) -> None:
    content = bytes(shutil.disk_usage(small).free + 1)
    origin.put("/m", content)
    result = tool.ensure(web_spec(f"{origin.url}/m", content))
    assert result.code == 3
    assert "MB free, " in result.err
    assert "MB are needed" in result.err
    assert origin.seen == []


def test_a_disk_that_fills_up_in_mid_download_is_repaired_by_the_next_run(
    tool: Tool, origin: Origin, small: Path
) -> None:
    filler = small / "filler"
    half = len(CONTENT) // 2

    def fill_up() -> None:
        wait_for(lambda: any(part.stat().st_size >= half - 65_536 for part in tool.parts()))
        fill(filler, leave=65_536)

    origin.put("/m", CONTENT, faults=[fill_up])
    spec = web_spec(f"{origin.url}/m")
    result = tool.ensure(spec)
    filler.unlink()
    assert result.code == 3
    assert "disk full" in result.err
    assert tool.served() == []
    assert tool.ensure(spec).code == 0
    assert int(origin.asked("/m")[-1].headers["range"][6:-1]) >= half - 65_536
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_what_an_interrupted_run_brought_needs_no_room_again(tool: Tool, origin: Origin, small: Path) -> None:
    origin.put("/m", CONTENT, faults=["stall:1500000"])
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec, "--attempts", "1").code == 4
    filler = small / "filler"
    fill(filler, leave=len(CONTENT) - 1_500_000 + MARGIN_BYTES + 65_536)
    result = tool.ensure(spec)
    filler.unlink()
    assert result.code == 0, result.err


def test_other_models_work_makes_room_when_the_disk_is_short(tool: Tool, origin: Origin, small: Path) -> None:
    left = tool.store / ".work" / "other" / "source"
    left.mkdir(parents=True)
    (left / "x.part").write_bytes(bytes(shutil.disk_usage(small).free - len(CONTENT)))
    origin.put("/m", CONTENT)
    assert tool.ensure(web_spec(f"{origin.url}/m")).code == 0
    assert not left.exists()
