"""Run in the image `test-convert`; TINY_HF names a mounted folder with a tiny Llama."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from kit import Tool, entry, sha256, spec_of
from transformers import AutoModelForCausalLM

TINY_HF = Path(os.environ.get("TINY_HF", "/nowhere"))
COMPLETE = [
    "chat_template.jinja",
    "genai_config.json",
    "manifest.json",
    "model.onnx",
    "model.onnx.data",
    "tokenizer.json",
    "tokenizer_config.json",
]

pytestmark = pytest.mark.skipif(not TINY_HF.is_dir(), reason="TINY_HF names no model folder")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    folder = tmp_path / "source"
    folder.mkdir()
    for path in TINY_HF.iterdir():
        shutil.copyfile(path, folder / path.name)
    return folder


def tiny_spec(folder: Path) -> dict[str, Any]:
    files = [entry(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    lines = "".join(sorted(f"{file['sha256']}  {file['name']}\n" for file in files))
    source = {"kind": "file", "root": str(folder), "files": files}
    convert = {"from": "hf", "to": "onnx", "quantization": "int4", "accuracy_level": 4}
    return spec_of(source, sha256(lines.encode())) | {"convert": convert}


def onnx_logits(folder: Path, tokens: list[int]) -> Any:
    session = ort.InferenceSession(str(folder / "model.onnx"))
    decoder = json.loads((folder / "genai_config.json").read_text())["model"]["decoder"]
    cache = np.zeros((1, decoder["num_key_value_heads"], 0, decoder["head_size"]), np.float32)
    feeds: dict[str, Any] = {
        item.name: cache for item in session.get_inputs() if item.name.startswith("past")
    }
    feeds["input_ids"] = np.array([tokens], np.int64)
    feeds["attention_mask"] = np.ones((1, len(tokens)), np.int64)
    return session.run(["logits"], feeds)[0][0]


def test_a_hugging_face_model_becomes_what_the_engine_reads(tool: Tool, source: Path) -> None:
    spec = tiny_spec(source)
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert sorted(path.name for path in tool.folder(spec).iterdir()) == COMPLETE
    assert "convert [####################] 100% done, peak memory" in result.out
    assert list((tool.store / ".work").iterdir()) == []
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"


def test_the_converted_model_computes_what_the_source_computes(tool: Tool, source: Path) -> None:
    spec = tiny_spec(source)
    assert tool.ensure(spec).code == 0
    tokens = [3, 17, 42, 99, 7]
    ours = onnx_logits(tool.folder(spec), tokens)
    with torch.no_grad():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        theirs = model(torch.tensor([tokens])).logits[0].numpy()
    across = (ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs)
    # int4 rounds random weights by some percent; another model would be near 0.
    assert across > 0.95


def test_a_model_that_the_builder_does_not_know_is_not_published(tool: Tool, source: Path) -> None:
    config = json.loads((source / "config.json").read_text())
    config |= {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (source / "config.json").write_text(json.dumps(config))
    result = tool.ensure(tiny_spec(source))
    assert result.code == 4
    assert "conversion: ended with code" in result.err
    assert tool.served() == []


def test_a_model_without_chat_template_is_not_published(tool: Tool, source: Path) -> None:
    (source / "chat_template.jinja").unlink()
    result = tool.ensure(tiny_spec(source))
    assert result.code == 4
    assert "lacks chat_template.jinja" in result.err
    assert tool.served() == []


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_conversion_that_was_ended_is_done_again(tool: Tool, source: Path, sign: signal.Signals) -> None:
    spec = tiny_spec(source)
    with tool.start(spec) as process:
        assert process.stdout is not None
        while "building the ONNX graph" not in (line := process.stdout.readline()):
            assert line, "ended before the conversion"
        time.sleep(0.5)
        process.send_signal(sign)
        process.wait(timeout=10)
    assert tool.served() == []
    assert tool.ensure(spec).code == 0
    assert tool.run("verify").code == 0
