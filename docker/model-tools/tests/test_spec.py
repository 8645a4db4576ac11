from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit import CONTENT, Tool, entry, sha256, spec_of, web_spec
from origin import Origin

Change = Callable[[dict[str, Any]], Any]

GGUF = {"from": "gguf", "to": "onnx", "quantization": "int4", "accuracy_level": 4}

WRONG: list[tuple[str, Change, str]] = [
    ("unknown key", lambda s: s.update(extra=1), "extra: Extra inputs are not permitted"),
    ("unknown key in source", lambda s: s["source"].update(token="t"), "token: Extra inputs"),
    ("missing key", lambda s: s.pop("convert"), "convert: Field required"),
    ("unknown kind", lambda s: s["source"].update(kind="ftp"), "kind"),
    ("text for a number", lambda s: s["source"]["files"][0].update(bytes="5"), "valid integer"),
    ("negative size", lambda s: s["source"]["files"][0].update(bytes=-1), "greater than or equal"),
    ("short sha256", lambda s: s["source"]["files"][0].update(sha256="abc"), "sha256"),
    ("upper-case model", lambda s: s.update(model="Tiny"), "model"),
    ("foreign path", lambda s: s.update(path="tiny/gguf/0123456789abcdef"), "this source's path"),
    ("path upwards", lambda s: s.update(path="../x/y"), "this source's path is"),
    ("name upwards", lambda s: s["source"]["files"][0].update(name="../m"), "plain relative"),
    ("absolute name", lambda s: s["source"]["files"][0].update(name="/m"), "plain relative"),
    ("hidden name", lambda s: s["source"]["files"][0].update(name=".m"), "plain relative"),
    ("the store's file", lambda s: s["source"]["files"][0].update(name="manifest.json"), "own file"),
    ("no file", lambda s: s["source"].update(files=[]), "at least 1 item"),
    ("two of a name", lambda s: s["source"]["files"].append(s["source"]["files"][0]), "same name"),
    ("file URL", lambda s: s["source"]["files"][0].update(url="file:///etc/passwd"), "https://"),
    ("level 9", lambda s: s.update(convert={**GGUF, "accuracy_level": 9}), "less than or equal"),
    ("int3", lambda s: s.update(convert={**GGUF, "quantization": "int3"}), "int4"),
    ("a GGUF type in ONNX", lambda s: s.update(convert={**GGUF, "quantization": "q8_0"}), "int4, int8, fp16"),
    ("an ONNX type in GGUF", lambda s: s.update(convert={**GGUF, "to": "gguf"}), "q4_k_m, q8_0, fp16"),
    ("hf without files", lambda s: s.update(convert={**GGUF, "from": "hf"}), "config.json"),
]


@pytest.mark.parametrize(("change", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_specification_ends_with_2_before_anything_is_done(
    tool: Tool, origin: Origin, change: Change, message: str
) -> None:
    spec = copy.deepcopy(web_spec(f"{origin.url}/m"))
    change(spec)
    result = tool.ensure(spec)
    assert result.code == 2
    assert message in result.err
    assert "Next: " in result.err
    assert origin.seen == []
    assert list(tool.store.iterdir()) == []


def test_a_credential_in_a_url_is_refused_and_not_repeated(tool: Tool) -> None:
    result = tool.ensure(web_spec("https://user:hunter2@example.test/m"))
    assert result.code == 2
    assert "network configuration" in result.err
    assert "hunter2" not in result.err


def test_what_is_not_json_is_refused(tool: Tool) -> None:
    result = tool.run("ensure", "--spec", "{nope")
    assert result.code == 2
    assert "Invalid JSON" in result.err


def test_a_specification_can_come_from_a_file(tool: Tool, origin: Origin, tmp_path: Path) -> None:
    origin.put("/m", CONTENT)
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(web_spec(f"{origin.url}/m")))
    assert tool.run("ensure", "--spec", f"@{file}").code == 0
    missing = tool.run("ensure", "--spec", f"@{file}.not")
    assert missing.code == 2
    assert "No such file" in missing.err


def test_a_conversion_from_gguf_takes_one_gguf(tool: Tool) -> None:
    files = [entry(f"{name}.gguf", CONTENT, url="https://example.test/m") for name in "ab"]
    identity = sha256("".join(sorted(f"{f['sha256']}  {f['name']}\n" for f in files)).encode())
    spec = spec_of({"kind": "https", "files": files}, identity) | {"convert": GGUF}
    result = tool.ensure(spec)
    assert result.code == 2
    assert "takes one file" in result.err


TO_GGUF = {**GGUF, "to": "gguf", "quantization": "q8_0"}
TARGETS = [(GGUF, "target convert"), (TO_GGUF, "target convert-gguf")]


@pytest.mark.parametrize(("convert", "target"), TARGETS)
def test_a_conversion_in_the_image_without_converter_ends_with_3(
    tool: Tool, origin: Origin, convert: dict[str, Any], target: str
) -> None:
    origin.put("/m", CONTENT)
    result = tool.ensure(web_spec(f"{origin.url}/m") | {"convert": convert})
    assert result.code == 3
    assert result.err.endswith(f"{target}\n")
    assert origin.seen == []


def test_a_store_that_is_not_there_ends_with_2(tool: Tool, origin: Origin) -> None:
    tool.store = tool.store / "nowhere"
    assert tool.ensure(web_spec(f"{origin.url}/m")).code == 2
