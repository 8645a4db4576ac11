"""That the comparison with the source finds broken results. Run in the image `test-convert`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hf import ONNX, TINY_HF, needs_tiny, spec_for
from kit import Tool
from model_tools.conversion import quality_check
from model_tools.conversion.job import Job, UnusableModelError
from model_tools.conversion.measure import Sample, measure
from model_tools.conversion.quality_check import TEXT, check_quality
from model_tools.conversion.scorers import torch_scorer
from model_tools.quality import Quality
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

pytestmark = needs_tiny


@pytest.fixture
def converted(tool: Tool, source: Path, tmp_path: Path) -> Path:
    """The untrained model's ONNX, as the check gets it."""
    spec = spec_for(source, ONNX, quantization="int8")
    assert tool.ensure(spec).code == 0
    ready = tmp_path / "ready"
    shutil.copytree(tool.folder(spec), ready)
    (ready / "quality.json").unlink()
    return ready


def job(source: Path, ready: Path) -> Job:
    return Job("check", "hf", "onnx", "int8", 4, source, ready.parent, ready)


def train(folder: Path) -> None:
    """Some steps on the check's own text: enough to be another model than an untrained one."""
    torch.manual_seed(0)
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT.read_text("utf-8")).ids
    batch = torch.tensor([ids[at : at + 128] for at in range(0, len(ids) - 128, 128)])
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(15):
        optimizer.zero_grad()
        model(batch, labels=batch).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)


def test_a_result_that_is_another_model_is_refused(source: Path, converted: Path) -> None:
    train(source)
    with pytest.raises(UnusableModelError, match=r"times the source's, the limit is 1\.1"):
        check_quality(job(source, converted), lambda _fraction, _text: None)
    assert not (converted / "quality.json").exists()


def test_a_source_too_large_for_the_memory_is_said_to_be_not_compared(
    source: Path, converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality_check, "allowed_bytes", lambda: 5_000_000)
    told: list[str] = []
    check_quality(job(source, converted), lambda _fraction, text: told.append(text))
    quality = Quality.read(converted)
    assert quality is not None
    assert quality.comparison is None
    assert quality.skipped is not None
    assert "5.0 MB are allowed" in quality.skipped
    assert told == [f"not compared with the source: {quality.skipped}"]


def test_perplexity_is_what_transformers_computes_as_loss() -> None:
    tokenizer = Tokenizer.from_file(str(TINY_HF / "tokenizer.json"))
    sample = Sample.of(
        TEXT.read_text("utf-8"),
        200,
        lambda text, special: tokenizer.encode(text, add_special_tokens=special).ids,
    )
    with torch_scorer(TINY_HF) as model:
        ours = measure(model, sample)
    ids = torch.tensor(sample.windows)
    with torch.no_grad():
        loss = AutoModelForCausalLM.from_pretrained(TINY_HF, dtype=torch.float32)(ids, labels=ids).loss
    assert ours.perplexity == pytest.approx(float(loss.exp()), rel=1e-4)
    assert len(ours.losses) == 199
