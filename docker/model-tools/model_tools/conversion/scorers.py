"""One model each, as a function from tokens to logits: the source's weights or a result.

All of them compute every token anew, so that nothing of one text is left for the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from model_tools.conversion.job import UnusableModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Logits: TypeAlias = "NDArray[np.float32]"
Scorer: TypeAlias = "Callable[[Sequence[int]], Logits]"
"""Logits after each token: one row a token, one column a word of the vocabulary."""


@contextmanager
def torch_scorer(folder: Path) -> Iterator[Scorer]:
    """The source itself: its weights as 32-bit floats, computed by transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()

    def score(tokens: Sequence[int]) -> Logits:
        with torch.inference_mode():
            logits: Logits = model(torch.tensor([list(tokens)]), use_cache=False).logits[0].numpy()
            return logits

    yield score


@contextmanager
def onnx_scorer(folder: Path) -> Iterator[Scorer]:
    """A result as the kit's engine feeds it: tokens, a mask, and an empty key/value memory."""
    import numpy as np
    import onnxruntime as ort

    session: Any = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    settings = json.loads((folder / "genai_config.json").read_text("utf-8"))["model"]
    decoder = settings["decoder"]
    empty = np.zeros((1, decoder["num_key_value_heads"], 0, decoder["head_size"]), np.float32)
    fixed = {}
    for item in session.get_inputs():
        if item.name.startswith("past_key_values.") and item.type == "tensor(float)":
            fixed[item.name] = empty
        elif item.name not in ("input_ids", "attention_mask"):
            raise UnusableModelError(
                f"the graph has the input {item.name} ({item.type}), which no engine feeds"
            )

    def score(tokens: Sequence[int]) -> Logits:
        feeds = fixed | {
            "input_ids": np.array([tokens], np.int64),
            "attention_mask": np.ones((1, len(tokens)), np.int64),
        }
        logits: Logits = session.run(["logits"], feeds)[0][0]
        if logits.shape != (len(tokens), settings["vocab_size"]):
            raise UnusableModelError(f"{len(tokens)} tokens give logits of shape {logits.shape}")
        return logits

    yield score
