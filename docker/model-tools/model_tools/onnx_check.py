"""Whether a converted model is complete, loads, and computes one step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COMPLETE = (
    "model.onnx",
    "model.onnx.data",
    "genai_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
"""What the kit's engine and onnxruntime-genai read."""


class UnusableModelError(Exception):
    """The conversion's result must not be served."""


def check(folder: Path) -> None:
    """Raise `UnusableModelError` that says what is missing or wrong."""
    missing = [name for name in COMPLETE if not (folder / name).is_file()]
    if missing:
        raise UnusableModelError(f"the result lacks {', '.join(missing)}")
    unexpected = sorted({path.name for path in folder.iterdir()} - set(COMPLETE))
    for name in unexpected:
        (folder / name).unlink()
    config = json.loads((folder / "genai_config.json").read_text("utf-8"))
    token = _tokenize(folder)
    _run_one_step(folder, token, config["model"])


def _tokenize(folder: Path) -> int:
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("hello").ids
    if not ids:
        raise UnusableModelError("the tokenizer makes no token of a word")
    return ids[0]


def _run_one_step(folder: Path, token: int, model: dict[str, Any]) -> None:
    import numpy as np
    import onnxruntime as ort

    session: Any = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    decoder = model["decoder"]
    empty_cache = (1, decoder["num_key_value_heads"], 0, decoder["head_size"])
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    feeds: dict[str, Any] = {
        "input_ids": np.array([[token]], dtype=np.int64),
        "attention_mask": np.ones((1, 1), dtype=np.int64),
    }
    for item in session.get_inputs():
        if item.name.startswith("past_key_values."):
            feeds[item.name] = np.zeros(empty_cache, dtype=types[item.type])
        elif item.name not in feeds:
            raise UnusableModelError(f"the graph has the input {item.name}, which no engine feeds")
    logits = session.run(["logits"], feeds)[0]
    if logits.shape[-1] != model["vocab_size"] or not np.isfinite(logits).all():
        raise UnusableModelError(f"one step gives logits of shape {logits.shape} or not finite")
    if float(np.ptp(logits)) == 0.0:
        raise UnusableModelError("one step gives the same logit for every token")
