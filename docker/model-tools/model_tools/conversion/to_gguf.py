"""Hugging Face folder or GGUF -> GGUF in another type, with llama.cpp's converter and quantizer."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

from model_tools.conversion.job import Job, Tell, UnusableModelError
from model_tools.conversion.llama import binding, llama_model, quantize
from model_tools.llama_home import LLAMA_HOME

RESULT = "model.gguf"
CONVERTER = LLAMA_HOME / "convert_hf_to_gguf.py"


def build_gguf(job: Job, tell: Tell) -> None:
    """Leaves a checked model in the job's `ready`; raises `UnusableModelError` otherwise."""
    target = job.ready / RESULT
    if job.kind == "gguf":
        source = job.source_gguf
    else:
        source = target if job.quantization == "fp16" else job.scratch / "unquantized.gguf"
        tell(0.05, "converting to GGUF")
        # `auto` keeps bfloat16 as it is: numbers beyond fp16 exist in such models.
        _convert(job.source, source, "f16" if job.quantization == "fp16" else "auto")
    if source != target:
        tell(0.4, f"quantizing to {job.quantization}")
        quantize(source, target, job.quantization)
    tell(0.65, "checking that the result loads and runs one step")
    _check(target)


def _convert(folder: Path, target: Path, kind: str) -> None:
    """Run llama.cpp's converter through its command line."""
    binding()
    from conversion.base import TextModel  # in the image only

    TextModel.get_vocab_base_pre = _recognise(TextModel.get_vocab_base_pre)
    sys.argv = [str(CONVERTER), str(folder), "--outfile", str(target), "--outtype", kind]
    runpy.run_path(str(CONVERTER), run_name="__main__")


def _recognise(known: Any) -> Any:
    """llama.cpp knows pre-tokenizers by what they make of one text, so a known one with another
    vocabulary is foreign to it. GPT-2's says what it is in `tokenizer.json`.
    """

    def recognise(model: Any, tokenizer: Any) -> str:
        try:
            return str(known(model, tokenizer))
        except NotImplementedError:
            if _is_gpt2(Path(model.dir_model)):
                return "gpt-2"
            raise

    return recognise


def _is_gpt2(folder: Path) -> bool:
    settings = json.loads((folder / "tokenizer.json").read_text("utf-8"))["pre_tokenizer"] or {}
    return settings.get("type") == "ByteLevel" and settings.get("use_regex", True) is True


def _check(file: Path) -> None:
    import numpy as np

    with llama_model(file) as model:
        logits = model(model.tokens("hello", True)[-1:])
    if not np.isfinite(logits).all() or float(np.ptp(logits)) == 0.0:
        raise UnusableModelError("one step gives logits that are not finite, or all the same")
