"""The heart: what a batch computes is what each sequence alone computes, to the token."""

import random
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx_server.core.model import ModelInfo
from onnx_server.core.runner import Runner
from onnx_server.core.sampling import Chooser, Sampling, choose
from onnx_server.core.scheduler import Scheduler
from onnx_server.core.ticket import Event, Finish, Request, Ticket

VOCABULARY, CONTEXT = 512, 256


@dataclass
class Run:
    """One request in a scheduler and what came of it."""

    request: Request
    tokens: list[int] = field(default_factory=list)
    finish: Finish | None = None
    ticket: Ticket = field(init=False)

    def __post_init__(self) -> None:
        self.ticket = Ticket(self.request, self.take)

    def take(self, event: Event) -> None:
        assert self.finish is None, "an event after the last"
        if event.token is not None:
            self.tokens.append(event.token)
        self.finish = event.finish


def make_runner(info: ModelInfo, *, slots: int = 1, chunk: int = CONTEXT) -> Runner:
    return Runner(info, slots=slots, context_length=CONTEXT, chunk=chunk, threads=1)


def make_request(rng: random.Random) -> Request:
    sampling = rng.choice(
        [
            Sampling(temperature=0),
            Sampling(temperature=0, frequency_penalty=1.5, presence_penalty=0.5),
            Sampling(temperature=1.5, seed=rng.randrange(1 << 40)),
            Sampling(temperature=0.8, top_p=0.7, seed=rng.randrange(1 << 40)),
        ]
    )
    prompt = tuple(rng.choices(range(VOCABULARY), k=rng.choice([1, 2, 7, 40, 130])))
    return Request(prompt, rng.choice([1, 2, 9, 30, 80]), sampling, frozenset({2}))


def single_runs(info: ModelInfo, requests: list[Request]) -> list[tuple[list[int], Finish | None]]:
    """Each request alone, its prompt in one piece."""
    runner = make_runner(info)
    results = []
    for request in requests:
        run = Run(request)
        scheduler = Scheduler(runner, lambda _: None)
        scheduler.add([run.ticket])
        while scheduler.busy:
            scheduler.step()
        results.append((run.tokens, run.finish))
    return results


@pytest.mark.parametrize("seed", range(10))
def test_any_mix_of_joins_leaves_and_cancellations_gives_the_tokens_of_the_single_run(
    tiny_info: ModelInfo, seed: int
) -> None:
    rng = random.Random(seed)
    runs = [Run(make_request(rng)) for _ in range(24)]
    slots = rng.randint(2, 6)
    runner = make_runner(tiny_info, slots=slots, chunk=rng.choice([1, 3, 16, 64]))
    ended: list[Ticket] = []
    scheduler = Scheduler(runner, ended.append)
    arriving, cancelled, widest = deque(runs), set[int](), 0
    while arriving or scheduler.busy:
        for _ in range(rng.choice([0, 0, 0, 1, 3])):
            if arriving:
                scheduler.add([arriving.popleft().ticket])
        if rng.random() < 0.02:
            victim = rng.randrange(len(runs))
            runs[victim].ticket.cancelled = True
            cancelled.add(victim)
        scheduler.step()
        widest = max(widest, scheduler.stats().running)
    assert widest == slots, "the mix never filled the batch"
    assert len(ended) == len(runs)
    assert scheduler.stats().running == scheduler.stats().kv_tokens == 0
    singles = single_runs(tiny_info, [run.request for run in runs])
    for number, (run, (tokens, finish)) in enumerate(zip(runs, singles, strict=True)):
        if run.finish is Finish.CANCELLED:
            assert number in cancelled
            assert run.tokens == tokens[: len(run.tokens)]
        else:
            assert (run.tokens, run.finish) == (tokens, finish)


def test_the_single_run_is_what_the_graph_computes_without_any_cache(
    tiny_info: ModelInfo,
) -> None:
    rng = random.Random(99)
    requests = [make_request(rng) for _ in range(8)]
    for request, (tokens, _) in zip(requests, single_runs(tiny_info, requests), strict=True):
        chooser, sequence = Chooser(request.sampling), list(request.prompt)
        for token in tokens:
            logits = logits_without_cache(tiny_info, tuple(sequence))
            assert choose(logits[None].copy(), [chooser]) == [token]
            sequence.append(token)


def test_logits_of_a_ragged_batch_equal_those_of_the_whole_sequence(tiny_info: ModelInfo) -> None:
    rng = random.Random(5)
    runner = make_runner(tiny_info, slots=3, chunk=16)
    sequences = [rng.choices(range(VOCABULARY), k=size) for size in (3, 50, 17)]
    for row, sequence in enumerate(sequences):
        for start in range(0, len(sequence), 16):
            runner.prefill(row, sequence[start : start + 16])
    for _ in range(20):
        tokens = rng.choices(range(VOCABULARY), k=3)
        logits = runner.decode(tokens)
        for row, token in enumerate(tokens):
            sequences[row].append(token)
            expected = logits_without_cache(tiny_info, tuple(sequences[row]))
            np.testing.assert_allclose(logits[row], expected, atol=2e-6, rtol=0)


def test_a_request_that_arrives_late_gets_its_first_token_at_the_next_step(
    tiny_info: ModelInfo,
) -> None:
    scheduler = Scheduler(make_runner(tiny_info, slots=2), lambda _: None)
    first = Run(Request((5, 6, 7), 100, Sampling(temperature=0)))
    scheduler.add([first.ticket])
    for _ in range(10):
        scheduler.step()
    late = Run(Request((8, 9), 100, Sampling(temperature=0)))
    scheduler.add([late.ticket])
    scheduler.step()
    assert len(late.tokens) == 2, "one from its prompt, one from the batch it joined"
    assert len(first.tokens) == 12


def test_a_long_prompt_stalls_neither_a_running_answer_nor_a_short_prompt(
    tiny_info: ModelInfo,
) -> None:
    scheduler = Scheduler(make_runner(tiny_info, slots=3, chunk=8), lambda _: None)
    running = Run(Request((5,), 100, Sampling(temperature=0)))
    scheduler.add([running.ticket])
    scheduler.step()
    long = Run(Request(tuple(range(3, 163)), 5, Sampling(temperature=0)))
    short = Run(Request((9, 10), 5, Sampling(temperature=0)))
    scheduler.add([long.ticket, short.ticket])
    for step in range(1, 20):
        before = len(running.tokens)
        scheduler.step()
        assert len(running.tokens) == before + 1, "the running answer missed a step"
        assert bool(short.tokens) == (step >= 2), "a short prompt takes its turn after one chunk"
    assert not long.tokens


def test_a_cancelled_request_frees_its_slot_at_the_next_step(tiny_info: ModelInfo) -> None:
    scheduler = Scheduler(make_runner(tiny_info, slots=1), lambda _: None)
    first, second = (Run(Request((t,), 100, Sampling(temperature=0))) for t in (5, 6))
    scheduler.add([first.ticket, second.ticket])
    scheduler.step()
    assert not second.tokens
    first.ticket.cancelled = True
    scheduler.step()
    assert first.finish is Finish.CANCELLED
    assert second.tokens


def logits_without_cache(info: ModelInfo, sequence: tuple[int, ...]) -> NDArray[np.float32]:
    """The graph on the whole sequence at once, with an empty past: none of our buffers."""
    session = _session(str(info.graph_file))
    empty = np.zeros((1, info.kv_heads, 0, info.head_size), np.float32)
    feeds = dict.fromkeys(info.kv_names("past_key_values"), empty)
    ids = np.array([sequence], np.int64)
    whole = session.run(["logits"], {**feeds, "input_ids": ids, "attention_mask": np.ones_like(ids)})
    last: NDArray[np.float32] = whole[0][0, -1]
    return last


@lru_cache(maxsize=1)
def _session(path: str) -> ort.InferenceSession:
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])
