"""Whether a converted ONNX model is complete, loads, and computes one step."""

from __future__ import annotations

from pathlib import Path

from model_tools.conversion.job import UnusableModelError
from model_tools.conversion.scorers import onnx_scorer

COMPLETE = (
    "model.onnx",
    "model.onnx.data",
    "genai_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
"""What the kit's engine and onnxruntime-genai read."""


def check(folder: Path) -> None:
    """Raise `UnusableModelError` that says what is missing or wrong; remove what nobody reads."""
    import numpy as np

    missing = [name for name in COMPLETE if not (folder / name).is_file()]
    if missing:
        raise UnusableModelError(f"the result lacks {', '.join(missing)}")
    for name in sorted({path.name for path in folder.iterdir()} - set(COMPLETE)):
        (folder / name).unlink()
    with onnx_scorer(folder) as score:
        logits = score(_tokenize(folder))
    if not np.isfinite(logits).all():
        raise UnusableModelError("one step gives logits that are not finite")
    if float(np.ptp(logits)) == 0.0:
        raise UnusableModelError("one step gives the same logit for every token")


def _tokenize(folder: Path) -> list[int]:
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("hello").ids
    if not ids:
        raise UnusableModelError("the tokenizer makes no token of a word")
    return ids[:1]
