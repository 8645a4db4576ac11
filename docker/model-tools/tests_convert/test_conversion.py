"""To ONNX. Run in the image `test-convert`; TINY_HF names a mounted folder with a tiny Llama."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
import torch
from hf import ONNX, cosine, manifest_of, needs_tiny, onnx_logits, spec_for
from kit import Tool
from transformers import AutoModelForCausalLM

COMPLETE = [
    "chat_template.jinja",
    "genai_config.json",
    "manifest.json",
    "model.onnx",
    "model.onnx.data",
    "quality.json",
    "tokenizer.json",
    "tokenizer_config.json",
]

pytestmark = needs_tiny

# int4 rounds random weights by some percent; another model would be near 0.
NEAR = [("int4", 0.95), ("int8", 0.999), ("fp16", 0.99999)]


@pytest.mark.parametrize(("quantization", "near"), NEAR)
def test_a_hugging_face_model_becomes_what_the_engine_reads_and_computes_the_same(
    tool: Tool, source: Path, quantization: str, near: float
) -> None:
    spec = spec_for(source, ONNX, quantization=quantization)
    result = tool.ensure(spec)
    assert result.code == 0, result.out + result.err
    folder = tool.folder(spec)
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE
    assert "convert [####################] 100% done, peak memory" in result.out
    assert list((tool.store / ".work").iterdir()) == []
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"
    tokens = [3, 17, 42, 99, 7]
    with torch.no_grad():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        theirs = model(torch.tensor([tokens])).logits[0].numpy()
    assert cosine(onnx_logits(folder, tokens), theirs) > near
    quality = manifest_of(folder)["quality"]
    assert quality == json.loads((folder / "quality.json").read_text())
    assert quality["comparison"]["ratio"] == pytest.approx(1, abs=0.05)


def test_sixteen_bit_weights_take_half_the_bytes_of_thirty_two(tool: Tool, source: Path) -> None:
    spec = spec_for(source, ONNX, quantization="fp16")
    assert tool.ensure(spec).code == 0
    # The source is float32 with tied embeddings; the builder transposes them for the last layer.
    half = (source / "model.safetensors").stat().st_size / 2
    assert (tool.folder(spec) / "model.onnx.data").stat().st_size == pytest.approx(half, rel=0.2)


def test_a_model_that_the_builder_does_not_know_is_not_published(tool: Tool, source: Path) -> None:
    config = json.loads((source / "config.json").read_text())
    config |= {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (source / "config.json").write_text(json.dumps(config))
    result = tool.ensure(spec_for(source, ONNX))
    assert result.code == 4
    assert "conversion: ended with code" in result.err
    assert tool.served() == []


def test_a_model_without_chat_template_is_not_published(tool: Tool, source: Path) -> None:
    (source / "chat_template.jinja").unlink()
    result = tool.ensure(spec_for(source, ONNX))
    assert result.code == 4
    assert "lacks chat_template.jinja" in result.err
    assert tool.served() == []


MOMENTS = [("building the ONNX graph", signal.SIGKILL), ("computing the source", signal.SIGTERM)]


@pytest.mark.parametrize(("moment", "sign"), MOMENTS)
def test_a_conversion_that_was_ended_is_done_again(
    tool: Tool, source: Path, moment: str, sign: signal.Signals
) -> None:
    spec = spec_for(source, ONNX)
    with tool.start(spec) as process:
        assert process.stdout is not None
        while moment not in (line := process.stdout.readline()):
            assert line, "ended before the conversion"
        time.sleep(0.5)
        process.send_signal(sign)
        process.wait(timeout=10)
    assert tool.served() == []
    assert tool.ensure(spec).code == 0
    assert tool.run("verify").code == 0
