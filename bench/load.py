"""Requests to a service, measured as its client sees them."""

import itertools
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import httpx

Answer = TypeVar("Answer")
# Sequences of numbers: no model ends them before it has to, so that every answer is equally long.
PROMPTS = (
    "1, 2, 3, 4, 5, 6, 7, 8,", "10, 20, 30, 40, 50,", "100, 101, 102, 103,", "2, 4, 6, 8, 10, 12,",
    "5, 10, 15, 20, 25,", "1000, 1001, 1002,", "21, 22, 23, 24, 25,", "50, 51, 52, 53, 54,",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Where requests go, and as whom."""

    endpoint: str
    key: str
    model: str


@dataclass(frozen=True)
class Load:
    """One run of some requests at once."""

    tokens_per_second: float
    """All answers' tokens over the time from the first request sent to the last answer's end."""
    first_token_seconds: tuple[float, ...]
    gaps_seconds: tuple[float, ...]
    """Between two chunks of one answer, over all answers."""


def run(target: Target, count: int, tokens: int) -> Load:
    """`count` streamed completions at once, each of `tokens` tokens."""
    started = time.perf_counter()
    answers = _at_once(count, lambda prompt: _stream(target, prompt, tokens))
    ended = time.perf_counter()
    return Load(
        count * tokens / (ended - started),
        tuple(times[0] - started for times in answers),
        tuple(later - before for times in answers for before, later in itertools.pairwise(times)),
    )


def p95(values: tuple[float, ...]) -> float:
    """95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def fill(target: Target, count: int, context: int) -> int:
    """Fill `count` slots to the context at once; the fewest tokens that one request came to."""
    return min(_at_once(count, lambda prompt: _fill_one(target, prompt, context)))


def _at_once(count: int, ask: Callable[[str], Answer]) -> list[Answer]:
    """The answers to `count` prompts, each asked in a thread of its own. Raises what one of them raised."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, itertools.islice(itertools.cycle(PROMPTS), count)))


def _stream(target: Target, prompt: str, tokens: int) -> list[float]:
    """Times of the chunks with text. Raises RuntimeError for another number of tokens than was asked for."""
    body = {
        "model": target.model, "prompt": prompt, "max_tokens": tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    times: list[float] = []
    made = 0
    with httpx.Client(trust_env=False, timeout=300) as client, client.stream(
        "POST", f"{target.endpoint}/completions", json=body, headers={"Authorization": f"Bearer {target.key}"}
    ) as response:  # fmt: skip
        if response.status_code != 200:
            raise RuntimeError(response.read().decode())
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            if any(choice.get("text") for choice in chunk["choices"]):
                times.append(time.perf_counter())
            if chunk.get("usage"):
                made = chunk["usage"]["completion_tokens"]
    if made != tokens:
        raise RuntimeError(f"{tokens} tokens were asked for and {made} came: nothing to compare")
    return times


def _fill_one(target: Target, prompt: str, context: int) -> int:
    """Completions, each going on with the text of the one before, until the context is full."""
    text, total = f"{prompt} with " + "a story of the sea and the light, " * (context // 16), 0
    with httpx.Client(trust_env=False, timeout=600) as client:
        for _ in range(20):
            response = client.post(
                f"{target.endpoint}/completions",
                headers={"Authorization": f"Bearer {target.key}"},
                json={
                    "model": target.model, "prompt": text, "temperature": 1, "seed": 1,
                    "max_tokens": context - total - 1 if total else context // 8,
                },
            )  # fmt: skip
            if response.status_code != 200:
                raise RuntimeError(response.text)
            answer = response.json()
            total = answer["usage"]["total_tokens"]
            if total >= context - 16:
                break
            text += answer["choices"][0]["text"] or " and then"
    return total
