"""Hugging Face folder or GGUF -> ONNX for CPUs: int4, int8, or 16-bit weights."""

from __future__ import annotations

import json
import runpy
import sys
from typing import Any, TextIO

from model_tools.conversion.from_gguf import gguf_to_hf
from model_tools.conversion.half import halve
from model_tools.conversion.job import Job, Tell
from model_tools.conversion.onnx_check import check

BUILDER = "onnxruntime_genai.models.builder"

PRECISION = {"int4": "int4", "int8": "int8", "fp16": "fp32"}
"""The builder's name of each. FP16 CPU is not among the combinations that it calls valid: it writes
a graph with position_ids as an input, which the kit's engine refuses. So fp16 is built with 32-bit
arithmetic, and the weights are stored in 16 bits afterwards."""


def build_onnx(job: Job, tell: Tell) -> None:
    """Leaves a checked model in the job's `ready`; raises `UnusableModelError` otherwise."""
    if job.kind == "gguf":
        gguf_to_hf(job.source_gguf, job.source_hf, tell)
    _run_builder(job, tell)
    if job.quantization != "int4":
        # The builder quantizes embeddings to 4 bits only, and leaves them in 32 otherwise: of the int8
        # SmolLM2-135M they were 113 of 275 MB.
        tell(0.66, "storing 32-bit weights in 16 bits")
        halve(job.ready, lookups_only=job.quantization == "int8")
    tell(0.7, "checking that the result loads and runs one step")
    check(job.ready)


def _run_builder(job: Job, tell: Tell) -> None:
    """Run ORT-GenAI's model builder through its command line, the interface that it keeps."""
    config = json.loads((job.source_hf / "config.json").read_text("utf-8"))
    layers = config.get("num_hidden_layers") or 1
    tell(0.4, "building the ONNX graph")
    sys.argv = [
        BUILDER,
        "--input",
        str(job.source_hf),
        "--output",
        str(job.ready),
        "--precision",
        PRECISION[job.quantization],
        "--execution_provider",
        "cpu",
        "--cache_dir",
        str(job.scratch / "cache"),
    ]
    if job.quantization != "fp16":
        # Plain rounding makes SmolLM2-135M ramble without an end; with k-quants, 2 % larger, it answers
        # as the 16-bit model does ("The capital of France is Paris.", then it stops).
        sys.argv += ["--extra_options", f"accuracy_level={job.accuracy_level}", "algo_config=k_quant"]
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
                self._tell(0.4 + 0.15 * layer / self._layers, f"layer {layer}/{self._layers}")
        elif text.startswith("Saving ONNX model"):
            self._tell(0.6, "quantizing and writing")
        return self._log.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)
