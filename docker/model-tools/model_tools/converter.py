"""The converter's own process: GGUF -> Hugging Face folder -> ONNX int4 -> check.

Run by `model_tools.convert` as `python -m model_tools.converter JOB FD`; steps go to the
file descriptor FD, everything that the libraries print goes to stdout and stderr (a log).
"""

from __future__ import annotations

import gc
import json
import os
import resource
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from model_tools.onnx_check import check
from model_tools.progress import bar, megabytes

Tell = Callable[[float, str], None]

QUANTIZATION_MARKS = ("hf_quantizer", "is_quantized", "quantization_method")
BUILDER = "onnxruntime_genai.models.builder"


def main(arguments: list[str]) -> None:
    job = json.loads(arguments[0])
    scratch, ready = Path(job["scratch"]), Path(job["ready"])
    with os.fdopen(int(arguments[1]), "w", encoding="utf-8", buffering=1) as steps:

        def tell(fraction: float, text: str) -> None:
            steps.write(f"{bar(fraction)} {100 * fraction:.0f}% {text}\n")

        folder = Path(job["source"])
        if job["kind"] == "gguf":
            folder = gguf_to_hf(folder, scratch / "hf", tell)
        build_onnx(folder, ready, scratch, job, tell)
        tell(0.95, "checking that the result loads and runs one step")
        check(ready)
        # Linux counts it in KiB (getrusage(2)).
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        tell(1.0, f"done, peak memory {megabytes(peak)}")


def gguf_to_hf(source: Path, target: Path, tell: Tell) -> Path:
    """Write the GGUF's weights as 32-bit floats with their configuration and tokenizer.

    After loading, the weights are plain, but transformers remembers the quantization that
    they came from and refuses to save them; those marks are removed.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (file,) = source.glob("*.gguf")
    tell(0.02, "reading the tokenizer of the GGUF")
    tokenizer: Any = AutoTokenizer.from_pretrained(source, gguf_file=file.name)
    tell(0.15, "dequantizing the weights of the GGUF")
    model: Any = AutoModelForCausalLM.from_pretrained(source, gguf_file=file.name)
    for mark in QUANTIZATION_MARKS:
        if hasattr(model, mark):
            setattr(model, mark, None)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tell(0.5, "writing 32-bit weights")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    del model
    gc.collect()
    return target


def build_onnx(folder: Path, ready: Path, scratch: Path, job: dict[str, Any], tell: Tell) -> None:
    """Run ORT-GenAI's model builder through its command line, the interface that it keeps."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    layers = config.get("num_hidden_layers") or 1
    tell(0.55, "building the ONNX graph")
    sys.argv = [
        BUILDER,
        "--input",
        str(folder),
        "--output",
        str(ready),
        "--precision",
        job["quantization"],
        "--execution_provider",
        "cpu",
        "--cache_dir",
        str(scratch / "cache"),
        "--extra_options",
        f"accuracy_level={job['accuracy_level']}",
        # Plain rounding makes SmolLM2-135M ramble without an end; with k-quants, 2 % larger, it answers
        # as the 16-bit model does ("The capital of France is Paris.", then it stops).
        "algo_config=k_quant",
    ]
    log = sys.stdout
    sys.stdout = _LayerCounter(log, layers, tell)
    try:
        runpy.run_module(BUILDER, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout = log


class _LayerCounter:
    """Passes the builder's output on and turns its `Reading layer N` into progress."""

    def __init__(self, log: TextIO, layers: int, tell: Tell) -> None:
        self._log, self._layers, self._tell = log, layers, tell
        self._every = max(1, layers // 5)

    def write(self, text: str) -> int:
        words = text.split()
        if words[:2] == ["Reading", "layer"] and words[-1].isdigit():
            layer = int(words[-1]) + 1
            if layer % self._every == 0 or layer == self._layers:
                self._tell(0.55 + 0.2 * layer / self._layers, f"layer {layer}/{self._layers}")
        elif text.startswith("Saving ONNX model"):
            self._tell(0.8, "quantizing to int4 and writing")
        return self._log.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


if __name__ == "__main__":
    main(sys.argv[1:])
