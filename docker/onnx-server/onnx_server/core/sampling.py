"""Picks the next token of every row of a batch, vectorised in numpy; greedy rows pay an argmax."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
_GREEDY_BELOW = 1e-5
"""A temperature under this is greedy: dividing by it would only overflow."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one request picks its tokens.

    ``temperature`` 0 is greedy. ``top_p`` keeps the smallest set of tokens whose probability
    reaches it (1 keeps all). ``seed`` None draws one from the system. The penalties are
    OpenAI's: subtracted from the logits of tokens already in the answer.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


class Chooser:
    """The state of one request's choices: its random stream and, for penalties, its counts.

    One uniform number is drawn a token, so that a seed gives the same stream in any batch.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.draws = sampling.temperature >= _GREEDY_BELOW
        self.penalises = bool(sampling.presence_penalty or sampling.frequency_penalty)
        seed = None if sampling.seed is None else sampling.seed & (2**64 - 1)
        self._random = np.random.default_rng(seed) if self.draws else None
        self._counts: Counter[int] = Counter()

    def uniform(self) -> float:
        """The next number of the stream, in [0, 1)."""
        return self._random.random() if self._random else 0.0

    def penalise(self, row: NDArray[np.float32]) -> None:
        """Lower, in place, the logits of the tokens chosen so far."""
        if not self._counts:
            return
        tokens = np.fromiter(self._counts.keys(), np.int64, len(self._counts))
        counts = np.fromiter(self._counts.values(), np.float32, len(self._counts))
        by_count = self.sampling.frequency_penalty * counts
        row[tokens] -= by_count + np.float32(self.sampling.presence_penalty)

    def chose(self, token: int) -> None:
        """Remember a choice, if a penalty needs it."""
        if self.penalises:
            self._counts[token] += 1


def choose(logits: Logits, choosers: Sequence[Chooser]) -> list[int]:
    """One token a row. ``logits`` ``[rows, vocab]`` may be changed in place."""
    for row, chooser in enumerate(choosers):
        if chooser.penalises:
            chooser.penalise(logits[row])
    tokens = logits.argmax(axis=-1)
    drawing = [row for row, chooser in enumerate(choosers) if chooser.draws]
    if drawing:
        tokens[drawing] = _draw(logits[drawing], [choosers[row] for row in drawing])
    chosen: list[int] = tokens.tolist()
    for chooser, token in zip(choosers, chosen, strict=True):
        chooser.chose(token)
    return chosen


def _draw(logits: Logits, choosers: Sequence[Chooser]) -> NDArray[np.int64]:
    """Inverse of the cumulative distribution at one uniform number a row."""
    temperatures = np.array([[c.sampling.temperature] for c in choosers], np.float32)
    weights = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperatures)
    for row, chooser in enumerate(choosers):
        if chooser.sampling.top_p < 1:
            keep_nucleus(weights[row], chooser.sampling.top_p)
    # float64: adding 100,000 small float32 numbers loses the tail.
    reached = weights.cumsum(axis=-1, dtype=np.float64)
    total = reached[:, -1]
    target = total * np.array([chooser.uniform() for chooser in choosers])
    target = np.minimum(target, np.nextafter(total, 0))
    drawn: NDArray[np.int64] = (reached > target[:, None]).argmax(axis=-1)
    return drawn


def keep_nucleus(weights: NDArray[np.float32], top_p: float) -> None:
    """Set to zero, in place, what lies outside the smallest set that reaches ``top_p``.

    Tokens under ``(1 - top_p) / vocab`` weigh less than ``1 - top_p`` together, so none of them
    is in that set: only the few above are sorted, and the result is exact.
    """
    total = float(weights.sum(dtype=np.float64))
    candidates = np.flatnonzero(weights >= total * (1 - top_p) / weights.size)
    order = candidates[np.argsort(-weights[candidates], kind="stable")]
    reached = weights[order].cumsum(dtype=np.float64)
    count = int(np.searchsorted(reached, top_p * total)) + 1
    kept = order[:count]
    values = weights[kept]
    weights[:] = 0
    weights[kept] = values
