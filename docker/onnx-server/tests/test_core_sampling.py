"""Sampling against plain arithmetic."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx_server.core.sampling import Chooser, Sampling, choose, keep_nucleus


def random_logits(rows: int, vocabulary: int = 300, seed: int = 1) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return (generator.standard_normal((rows, vocabulary)) * 3).astype(np.float32)


def test_temperature_zero_takes_the_largest_logit() -> None:
    logits = random_logits(4)
    expected = [int(row.argmax()) for row in logits]
    assert choose(logits, [Chooser(Sampling(temperature=0))] * 4) == expected


def test_a_tiny_temperature_is_greedy_and_does_not_overflow() -> None:
    logits = random_logits(1)
    expected = [int(logits[0].argmax())]
    for temperature in (1e-300, 1e-5, 1e-3):
        assert choose(logits.copy(), [Chooser(Sampling(temperature, seed=1))]) == expected


def test_draws_follow_the_softmax_at_the_temperature() -> None:
    logits = np.array([[2.0, 1.0, 0.0, -1.0]], np.float32)
    chooser = Chooser(Sampling(temperature=0.7, seed=3))
    count = 20_000
    drawn = np.bincount([choose(logits, [chooser])[0] for _ in range(count)], minlength=4)
    weights = np.exp(logits[0] / 0.7)
    expected = weights / weights.sum()
    spread = np.sqrt(expected * (1 - expected) / count)
    assert (np.abs(drawn / count - expected) < 4 * spread).all()


@pytest.mark.parametrize("top_p", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("seed", range(5))
def test_the_nucleus_is_the_smallest_set_that_reaches_top_p(top_p: float, seed: int) -> None:
    weights = np.exp(random_logits(1, seed=seed)[0])
    ordered = np.argsort(-weights, kind="stable")
    reached = np.cumsum(weights[ordered], dtype=np.float64) / weights.sum(dtype=np.float64)
    expected = set(ordered[: int((reached < top_p).sum()) + 1].tolist())
    keep_nucleus(weights, top_p)
    assert set(np.flatnonzero(weights).tolist()) == expected


def test_a_seed_gives_the_same_tokens_in_any_company() -> None:
    steps = [random_logits(3, seed=step) for step in range(50)]
    alone = Chooser(Sampling(seed=11))
    expected = [choose(step[:1].copy(), [alone])[0] for step in steps]
    others = [Chooser(Sampling(temperature=0)), Chooser(Sampling(top_p=0.5))]
    together = Chooser(Sampling(seed=11))
    rows = [choose(step[[1, 0, 2]], [others[0], together, others[1]])[1] for step in steps]
    assert rows == expected


def test_different_seeds_and_no_seed_give_different_tokens() -> None:
    flat = np.zeros((1, 5000), np.float32)
    choosers = [Chooser(Sampling(seed=seed)) for seed in (1, 2, None, None)]
    drawn = [tuple(choose(flat, [chooser])[0] for _ in range(8)) for chooser in choosers]
    assert len(set(drawn)) == 4


def test_negative_and_large_seeds_are_taken() -> None:
    for seed in (-1, -(2**63), 2**63 - 1, 2**63 + 100):
        assert 0 <= Chooser(Sampling(seed=seed)).uniform() < 1


def test_penalties_are_subtracted_from_tokens_already_chosen() -> None:
    logits = np.array([[5.0, 4.9, 0.0]], np.float32)
    chooser = Chooser(Sampling(temperature=0, presence_penalty=0.5))
    assert [choose(logits.copy(), [chooser])[0] for _ in range(3)] == [0, 1, 0]
    chooser = Chooser(Sampling(temperature=0, frequency_penalty=2.0))
    chosen = [choose(logits.copy(), [chooser])[0] for _ in range(6)]
    assert chosen == [0, 1, 0, 1, 0, 1]
    assert choose(logits.copy(), [chooser]) == [2], "5 - 3 x 2 and 4.9 - 3 x 2 are below 0"


def test_a_greedy_request_holds_no_random_stream() -> None:
    assert not Chooser(Sampling(temperature=0)).draws
    assert Chooser(Sampling(temperature=0)).uniform() == 0
