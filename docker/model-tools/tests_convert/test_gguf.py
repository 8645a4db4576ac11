"""To GGUF with llama.cpp. Run in the image `test-convert`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType, GGUFReader
from hf import GGUF, manifest_of, needs_tiny, spec_for
from kit import Tool

pytestmark = needs_tiny


def types_of(file: Path) -> set[str]:
    """Of the matrices."""
    tensors = GGUFReader(file).tensors
    return {GGMLQuantizationType(each.tensor_type).name for each in tensors if len(each.shape) > 1}


def test_a_hugging_face_model_becomes_gguf_with_its_chat_template(tool: Tool, source: Path) -> None:
    spec = spec_for(source, GGUF, quantization="q8_0")
    result = tool.ensure(spec)
    assert result.code == 0, result.out + result.err
    file = tool.folder(spec) / "model.gguf"
    assert types_of(file) == {"Q8_0"}
    template = GGUFReader(file).get_field("tokenizer.chat_template")
    assert template is not None
    assert template.contents() == (source / "chat_template.jinja").read_text()
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "manifest.json",
        "model.gguf",
        "quality.json",
    ]
    found = manifest_of(file.parent)["quality"]["comparison"]
    assert found["reference"] == "transformers, float32"
    assert (found["same_tokens"], found["answers_equal"]) == (1, 3)
    assert found["ratio"] == pytest.approx(1, abs=0.01)


def test_a_gguf_is_quantized_further_and_compared_with_the_one_it_was(tool: Tool, source: Path) -> None:
    unquantized = spec_for(source, GGUF, quantization="fp16")
    assert tool.ensure(unquantized).code == 0
    first = tool.folder(unquantized) / "model.gguf"
    assert types_of(first) == {"F16"}
    folder = source.parent / "gguf"
    folder.mkdir()
    shutil.copyfile(first, folder / "other.gguf")
    spec = spec_for(folder, GGUF, **{"from": "gguf"}) | {"variant": "smaller"}
    spec["path"] = spec["path"].replace("/gguf/", "/smaller/")
    result = tool.ensure(spec)
    assert result.code == 0, result.out + result.err
    second = tool.folder(spec) / "model.gguf"
    # Its rows of 64 are too short for K-quants' blocks of 256: llama.cpp takes the nearest types.
    assert types_of(second) <= {"Q4_K", "Q5_0", "Q6_K", "Q8_0"}
    assert second.stat().st_size < first.stat().st_size / 2
    assert manifest_of(second.parent)["quality"]["comparison"]["reference"].startswith("llama.cpp")


def test_a_pre_tokenizer_that_llama_cpp_does_not_know_is_refused(tool: Tool, source: Path) -> None:
    tokenizer = (source / "tokenizer.json").read_text()
    changed = tokenizer.replace('"use_regex":true', '"use_regex":false').replace(
        '"use_regex": true', '"use_regex": false'
    )
    assert changed != tokenizer
    (source / "tokenizer.json").write_text(changed)
    result = tool.ensure(spec_for(source, GGUF))
    assert result.code == 4
    assert "pre-tokenizer was not recognized" in result.err
    assert tool.served() == []
