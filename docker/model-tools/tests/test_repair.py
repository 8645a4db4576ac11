from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit import CONTENT, Tool, web_spec
from origin import Origin


@pytest.fixture
def spec(tool: Tool, origin: Origin) -> dict[str, Any]:
    """A published model."""
    origin.put("/m", CONTENT)
    wanted = web_spec(f"{origin.url}/m")
    assert tool.ensure(wanted).code == 0
    origin.seen.clear()
    return wanted


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def flip(folder: Path) -> None:
    overwrite(folder / "model.gguf", b"\xff" + CONTENT[1:])


def replace_by_link(folder: Path) -> None:
    (folder / "model.gguf").unlink()
    (folder / "model.gguf").symlink_to("/etc/passwd")


def change_manifest(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["source"]["files"][0]["url"] = "https://elsewhere.test/m"
    overwrite(folder / "manifest.json", json.dumps(manifest).encode())


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a byte differs": flip,
    "truncated": lambda folder: os.truncate(folder / "model.gguf", 1000),
    "deleted": lambda folder: (folder / "model.gguf").unlink(),
    "a link elsewhere": replace_by_link,
    "a file more": lambda folder: (folder / "config.json").write_text("{}"),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: os.truncate(folder / "manifest.json", 40),
    "another source": change_manifest,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found_and_repaired(
    tool: Tool, spec: dict[str, Any], damage: Callable[[Path], object]
) -> None:
    folder = tool.folder(spec)
    (folder / "model.gguf").chmod(0o644)
    damage(folder)
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert f"damaged {spec['path']}" in result.out
    assert (folder / "model.gguf").read_bytes() == CONTENT
    assert tool.served() == [f"{spec['path']}/{name}" for name in ("manifest.json", "model.gguf")]
    assert list((tool.store / ".work").iterdir()) == []


def test_a_damaged_model_is_out_of_sight_when_it_cannot_be_fetched_again(
    tool: Tool, origin: Origin, spec: dict[str, Any]
) -> None:
    flip(tool.folder(spec))
    origin.put("/m", status=404)
    assert tool.ensure(spec).code == 4
    assert tool.served() == []


def test_what_is_there_is_kept_without_a_request_and_within_a_second(
    tool: Tool, origin: Origin, spec: dict[str, Any]
) -> None:
    start = time.monotonic()
    result = tool.ensure(spec)
    assert (result.code, result.out) == (0, f"kept {spec['path']}\n")
    assert origin.seen == []
    assert time.monotonic() - start < 1


def test_a_file_with_another_time_and_the_same_content_is_kept(tool: Tool, spec: dict[str, Any]) -> None:
    os.utime(tool.folder(spec) / "model.gguf", (1, 1))
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"


def hide_a_change(path: Path) -> None:
    before = path.stat()
    overwrite(path, b"\xff" + CONTENT[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_with_verify_even_a_change_that_kept_size_and_time_is_repaired(
    tool: Tool, spec: dict[str, Any]
) -> None:
    hide_a_change(tool.folder(spec) / "model.gguf")
    assert tool.run("verify").code == 4
    assert tool.ensure(spec, "--verify").code == 0
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_verify_says_ok_or_what_is_damaged(tool: Tool, spec: dict[str, Any]) -> None:
    result = tool.run("verify")
    assert (result.code, result.out) == (0, f"ok {spec['path']}\n")
    flip(tool.folder(spec))
    result = tool.run("verify")
    assert result.code == 4
    assert f"damaged {spec['path']}: model.gguf has sha256" in result.out


def test_a_link_in_place_of_a_file_is_damage_whatever_it_points_to(
    tool: Tool, spec: dict[str, Any], tmp_path: Path
) -> None:
    file = tool.folder(spec) / "model.gguf"
    file.rename(tmp_path / "copy")
    file.symlink_to(tmp_path / "copy")
    result = tool.run("verify")
    assert result.code == 4
    assert "model.gguf is not a plain file" in result.out


def test_verify_of_one_model_wants_it_to_be_there(tool: Tool, spec: dict[str, Any]) -> None:
    assert tool.run("verify", "--spec", json.dumps(spec)).code == 0
    other = web_spec("https://example.test/m", b"other")
    result = tool.run("verify", "--spec", json.dumps(other))
    assert result.code == 4
    assert "is not in the store" in result.out


def test_list_and_remove(tool: Tool, spec: dict[str, Any]) -> None:
    assert tool.run("list").out == f"{spec['path']}\t2.1 MB\tready\n"
    assert tool.run("remove", spec["path"]).code == 0
    assert tool.run("list").out == ""
    assert [path.name for path in tool.store.iterdir() if path.name[0] != "."] == []


@pytest.mark.parametrize("path", ["../models", "tiny", "/etc", ".work/x/0123456789abcdef", ""])
def test_remove_takes_models_only(tool: Tool, spec: dict[str, Any], path: str) -> None:
    assert tool.run("remove", path).code == 2
    assert tool.folder(spec).exists()
