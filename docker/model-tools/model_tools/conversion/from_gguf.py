"""GGUF -> the folder that transformers reads: 32-bit weights, configuration, tokenizer."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from model_tools.conversion.job import Tell

QUANTIZATION_MARKS = ("hf_quantizer", "is_quantized", "quantization_method")


def gguf_to_hf(file: Path, target: Path, tell: Tell) -> None:
    """Write the GGUF's weights as 32-bit floats with their configuration and tokenizer.

    After loading, the weights are plain, but transformers remembers the quantization that
    they came from and refuses to save them; those marks are removed.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tell(0.02, "reading the tokenizer of the GGUF")
    tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tell(0.1, "dequantizing the weights of the GGUF")
    model: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
    for mark in QUANTIZATION_MARKS:
        if hasattr(model, mark):
            setattr(model, mark, None)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tell(0.3, "writing 32-bit weights")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    del model
    gc.collect()
