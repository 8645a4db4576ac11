"""Compares a conversion's result with its source: perplexity on a fixed text, greedy answers.

Bounded: at most 512 tokens of text in windows of 256 and 24 tokens of answers; for models beyond
4 billion parameters fewer, down to one window. One model is in memory at a time.
"""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from importlib.resources import files
from pathlib import Path

from model_tools.conversion.job import Job, Tell, UnusableModelError
from model_tools.conversion.llama import llama_model
from model_tools.conversion.measure import WINDOW, Encode, Sample, Score, measure
from model_tools.conversion.memory import allowed_bytes, parameters, reference_bytes
from model_tools.conversion.scorers import Scorer, onnx_scorer, torch_scorer
from model_tools.conversion.to_gguf import RESULT
from model_tools.progress import megabytes
from model_tools.quality import PERPLEXITY_RATIO_LIMIT, Comparison, Quality

TEXT = files("model_tools.conversion") / "quality_text.txt"
"""Written for this purpose, under the kit's licence; prose, a list, numbers, code."""

MOST_TOKENS = 512
MOST_WORK = 2e12
"""Parameters times tokens, about half the floating-point operations that they take."""


def check_quality(job: Job, tell: Tell) -> None:
    """Write `quality.json` into `ready`; raises `UnusableModelError` where the result is broken."""
    started = time.monotonic()
    needed, allowed = reference_bytes(job), allowed_bytes()
    comparison, skipped = None, None
    if needed > allowed:
        skipped = f"the source needs {megabytes(needed)} of memory, {megabytes(allowed)} are allowed"
    else:
        comparison = compare(job, tell)
    quality = Quality(
        bytes=_size(job.ready),
        source_bytes=_size(job.source),
        text_sha256=hashlib.sha256(TEXT.read_bytes()).hexdigest(),
        seconds=round(time.monotonic() - started, 1),
        comparison=comparison,
        skipped=skipped,
    )
    tell(0.99, str(quality))
    if comparison is not None and (problem := comparison.problem()):
        raise UnusableModelError(f"{job.quantization}: {problem}")
    quality.write(job.ready)


def compare(job: Job, tell: Tell) -> Comparison:
    """Run the source and then the result on the same tokens."""
    text = TEXT.read_text("utf-8")
    most = max(WINDOW, min(MOST_TOKENS, int(MOST_WORK / max(parameters(job), 1))))
    tell(0.72, "computing the source on a fixed text")
    tokens, sample, reference = _read_source(job, text, most)
    # transformers' modules refer to each other; without this both models are in memory at once.
    gc.collect()
    tell(0.86, "computing the result on the same text")
    with _result(job) as (model, own_encode):
        found = measure(model, sample)
        alike = 1.0 if own_encode is None else _alike(tokens, own_encode(text, False))
    return _comparison(job, reference, found, alike)


def _read_source(job: Job, text: str, most: int) -> tuple[list[int], Sample, Score]:
    with _source(job) as (model, encode):
        sample = Sample.of(text, most, encode)
        return encode(text, False), sample, measure(model, sample)


@contextmanager
def _source(job: Job) -> Iterator[tuple[Scorer, Encode]]:
    """The unquantized source: of a GGUF, its weights as they are dequantized."""
    if job.kind == "gguf" and job.to == "gguf":
        with llama_model(job.source_gguf) as model:
            yield model, model.tokens
        return
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(job.source_hf / "tokenizer.json"))

    def encode(text: str, special: bool) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=special).ids)

    with torch_scorer(job.source_hf) as scorer:
        yield scorer, encode


@contextmanager
def _result(job: Job) -> Iterator[tuple[Scorer, Encode | None]]:
    """The result, and its tokenizer where that is not the source's own file."""
    if job.to == "gguf":
        with llama_model(job.ready / RESULT) as model:
            yield model, model.tokens
    else:
        with onnx_scorer(job.ready) as scorer:
            yield scorer, None


def _alike(one: list[int], other: list[int]) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _comparison(job: Job, reference: Score, found: Score, alike: float) -> Comparison:
    both_gguf = job.kind == "gguf" and job.to == "gguf"
    same = sum(a == b for a, b in zip(reference.best, found.best, strict=True))
    return Comparison(
        tokens=len(reference.losses),
        reference="llama.cpp, the source's GGUF" if both_gguf else "transformers, float32",
        reference_perplexity=round(reference.perplexity, 4),
        perplexity=round(found.perplexity, 4),
        ratio=round(found.perplexity / reference.perplexity, 4),
        ratio_limit=PERPLEXITY_RATIO_LIMIT[job.quantization],
        same_next_token=round(same / len(found.best), 4),
        same_tokens=round(alike, 4),
        answers=len(reference.answers),
        answers_equal=sum(a == b for a, b in zip(reference.answers, found.answers, strict=True)),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
