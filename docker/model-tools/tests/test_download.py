from __future__ import annotations

import json
import stat

import pytest
from kit import CONTENT, Tool, entry, sha256, spec_of, web_spec
from origin import Origin


def test_a_file_is_fetched_verified_and_listed_in_the_manifest(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    spec = web_spec(f"{origin.url}/m")
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    folder = tool.folder(spec)
    assert (folder / "model.gguf").read_bytes() == CONTENT
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"] == "tiny"
    assert manifest["source"] == spec["source"]
    assert [(f["name"], f["bytes"], f["sha256"]) for f in manifest["files"]] == [
        ("model.gguf", len(CONTENT), sha256(CONTENT))
    ]
    assert tool.served() == [f"{spec['path']}/{name}" for name in ("manifest.json", "model.gguf")]


def test_every_user_may_read_a_published_file_and_none_may_write_it(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    spec = web_spec(f"{origin.url}/m")
    tool.ensure(spec)
    assert stat.S_IMODE((tool.folder(spec) / "model.gguf").stat().st_mode) == 0o444
    assert stat.S_IMODE(tool.folder(spec).stat().st_mode) == 0o755


def test_files_in_folders_keep_their_folders(tool: Tool, origin: Origin) -> None:
    origin.put("/a", b"one")
    origin.put("/b", b"two")
    files = [
        entry("onnx/model.onnx", b"one", url=f"{origin.url}/a"),
        entry("tokenizer.json", b"two", url=f"{origin.url}/b"),
    ]
    lines = sorted(f"{file['sha256']}  {file['name']}\n" for file in files)
    spec = spec_of({"kind": "https", "files": files}, sha256("".join(lines).encode()))
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert (tool.folder(spec) / "onnx/model.onnx").read_bytes() == b"one"


def test_progress_is_lines_with_size_rate_and_time_left(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    out = tool.ensure(web_spec(f"{origin.url}/m")).out
    assert "\r" not in out
    last = [line for line in out.splitlines() if line.startswith("fetch model.gguf")][-1]
    assert "2.1/2.1 MB [####################] 100%" in last
    assert "MB/s eta 0s" in last


@pytest.mark.parametrize("fault", ["cut:700000", "stall:700000"])
def test_a_broken_connection_is_continued_where_it_broke(tool: Tool, origin: Origin, fault: str) -> None:
    resource = origin.put("/m", CONTENT, faults=[fault])
    spec = web_spec(f"{origin.url}/m")
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    second = origin.asked("/m")[1].headers
    start = int(second["range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 700_000
    assert second["if-range"] == resource.etag
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_attempts_that_bring_something_do_not_use_up_patience(tool: Tool, origin: Origin) -> None:
    faults = [f"cut:{200_000}"] * 8
    origin.put("/m", CONTENT, faults=faults)
    assert tool.ensure(web_spec(f"{origin.url}/m")).code == 0
    assert len(origin.asked("/m")) == 9


def test_a_server_without_ranges_gives_the_whole_file_again(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["cut:700000"], ranges=False)
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec).code == 0
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_a_file_that_changed_at_the_source_in_mid_download_is_not_mixed(tool: Tool, origin: Origin) -> None:
    old = bytes(len(CONTENT))
    resource = origin.put("/m", old, faults=["cut:700000"])
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec, "--attempts", "1").code == 4
    origin.put("/m", CONTENT)
    assert tool.ensure(spec).code == 0
    assert origin.asked("/m")[-1].headers["if-range"] == resource.etag
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_a_resumed_file_with_a_wrong_beginning_is_fetched_whole(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["cut:700000"], etag=None)
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec, "--attempts", "1").code == 4
    (part,) = tool.parts()
    part.write_bytes(b"\0" * part.stat().st_size)
    assert tool.ensure(spec).code == 0
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_a_corrupted_download_ends_with_4_and_serves_nothing(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["corrupt"])
    spec = web_spec(f"{origin.url}/m")
    result = tool.ensure(spec)
    assert result.code == 4
    assert f"instead of {sha256(CONTENT)}" in result.err
    assert tool.served() == []
    assert tool.ensure(spec).code == 0


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x"])
def test_a_file_of_another_size_is_refused_before_it_is_fetched(
    tool: Tool, origin: Origin, content: bytes
) -> None:
    origin.put("/m", content)
    result = tool.ensure(web_spec(f"{origin.url}/m"))
    assert result.code == 4
    assert f"has {len(content)} bytes instead of {len(CONTENT)}" in result.err
    assert tool.served() == []


def test_a_busy_server_is_asked_again(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["status:503", "status:429"])
    result = tool.ensure(web_spec(f"{origin.url}/m"))
    assert result.code == 0
    assert "retry 1/2 in 0.0s: HTTP 503" in result.out


def test_patience_ends(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT, faults=["status:500"] * 10)
    result = tool.ensure(web_spec(f"{origin.url}/m"))
    assert result.code == 4
    assert "failed 3 times in a row, last: HTTP 500" in result.err
    assert len(origin.asked("/m")) == 3


def test_a_missing_file_is_asked_for_once(tool: Tool, origin: Origin) -> None:
    result = tool.ensure(web_spec(f"{origin.url}/nothing"))
    assert result.code == 4
    assert "HTTP 404" in result.err
    assert "check name and revision" in result.err
    assert len(origin.seen) == 1


def test_a_redirect_is_followed(tool: Tool, origin: Origin, other_origin: Origin) -> None:
    other_origin.put("/real", CONTENT)
    origin.put("/m", status=302, headers={"Location": f"{other_origin.url}/real?signature=s3cr3t"})
    result = tool.ensure(web_spec(f"{origin.url}/m"))
    assert result.code == 0
    assert "s3cr3t" not in result.out + result.err


def test_a_redirect_to_something_else_than_http_is_not_followed(tool: Tool, origin: Origin) -> None:
    origin.put("/m", status=302, headers={"Location": "file:///etc/passwd"})
    assert tool.ensure(web_spec(f"{origin.url}/m")).code == 4
    assert len(origin.seen) == 1


def test_nobody_listening_ends_with_4(tool: Tool, origin: Origin) -> None:
    url = origin.url
    origin.server.socket.close()
    result = tool.ensure(web_spec(f"{url}/m"))
    assert result.code == 4
    assert "run again" in result.err
