"""What the conversion's tests share: a tiny model, specifications, and the results' logits."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from kit import entry, sha256, spec_of

TINY_HF = Path(os.environ.get("TINY_HF", "/nowhere"))
"""Mounted by who runs the image."""

needs_tiny = pytest.mark.skipif(not TINY_HF.is_dir(), reason="TINY_HF names no model folder")

ONNX = {"from": "hf", "to": "onnx", "quantization": "int4", "accuracy_level": 4}
GGUF = {"from": "hf", "to": "gguf", "quantization": "q4_k_m", "accuracy_level": 4}


def spec_for(folder: Path, convert: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A conversion of every file in `folder`."""
    files = [entry(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    lines = "".join(sorted(f"{file['sha256']}  {file['name']}\n" for file in files))
    source = {"kind": "file", "root": str(folder), "files": files}
    identity = files[0]["sha256"] if len(files) == 1 else sha256(lines.encode())
    return spec_of(source, identity) | {"convert": convert | changes}


def manifest_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


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


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    folder = tmp_path / "source"
    folder.mkdir()
    for path in TINY_HF.iterdir():
        shutil.copyfile(path, folder / path.name)
    return folder


def cosine(one: Any, other: Any) -> float:
    """1 for the same direction, near 0 for another model."""
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))
