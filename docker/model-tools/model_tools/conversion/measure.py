"""What one model makes of a sample of text: its loss on every token, and short greedy answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_tools.conversion.scorers import Scorer

WINDOW = 256
"""Tokens of one text; each begins anew, and its logits are all that is kept in memory."""

BEGINNINGS = ("The capital of France is", "One, two, three, four,", "The opposite of hot is")
ANSWER_TOKENS = 8
LARGEST_EXPONENT = 700.0
"""Of a 64-bit float; a perplexity beyond it is infinite all the same."""

Encode = Callable[[str, bool], list[int]]
"""A text's tokens; the flag adds what a tokenizer puts before every text."""


@dataclass(frozen=True)
class Sample:
    """Texts and beginnings of answers in the source's tokens."""

    windows: list[list[int]]
    beginnings: list[list[int]]

    @classmethod
    def of(cls, text: str, tokens: int, encode: Encode) -> Sample:
        """The first `tokens` of `text`."""
        begin = encode("", True)[:1]
        found = encode(text, False)[:tokens]
        windows = [begin + found[at : at + WINDOW] for at in range(0, len(found), WINDOW)]
        return cls(windows, [begin + encode(each, False) for each in BEGINNINGS])


@dataclass(frozen=True)
class Score:
    losses: list[float]
    best: list[int]
    """The most likely next token at every place."""
    answers: list[list[int]]

    @property
    def perplexity(self) -> float:
        mean = sum(self.losses) / len(self.losses)
        return mean if math.isnan(mean) else math.exp(min(mean, LARGEST_EXPONENT))


def measure(model: Scorer, sample: Sample) -> Score:
    """Run `model` over the sample."""
    losses: list[float] = []
    best: list[int] = []
    for tokens in sample.windows:
        _read(model, tokens, losses, best)
    return Score(losses, best, [_answer(model, beginning) for beginning in sample.beginnings])


def _read(model: Scorer, tokens: list[int], losses: list[float], best: list[int]) -> None:
    """Row by row, because the logits of a window times 64 bits would be gigabytes."""
    import numpy as np

    for row, wanted in zip(model(tokens)[:-1], tokens[1:], strict=True):
        largest = float(row.max())
        total = np.exp(row - largest).sum(dtype=np.float64)
        losses.append(math.log(total) + largest - float(row[wanted]) if total > 0 else math.nan)
        best.append(int(row.argmax()))


def _answer(model: Scorer, beginning: list[int]) -> list[int]:
    tokens = list(beginning)
    for _ in range(ANSWER_TOKENS):
        tokens.append(int(model(tokens)[-1].argmax()))
    return tokens[len(beginning) :]
