"""Who used what: two keys, different traffic, counted to the token as the clients saw it."""

from collections import Counter
from typing import Any

import httpx
import pytest
from openai import NotFoundError

from tests.monitoring.with_stack.asking import until, vector
from tests.monitoring.with_stack.conftest import OLLAMA
from tests.stack.rig import MODEL, Stack

pytestmark = pytest.mark.docker
PROMPT, COMPLETION, REQUESTS = (
    "slm:usage_prompt_tokens:total", "slm:usage_completion_tokens:total", "slm:usage_requests:total",
)  # fmt: skip
TOKENS = 12
QUESTION: Any = [{"role": "user", "content": "Count to one hundred."}]
Usage = Counter[tuple[str, str, str]]
"""By series, key id and model."""


class Client:
    """Asks as one key, and remembers what it was told."""

    def __init__(self, stack: Stack, key_id: str) -> None:
        self.key_id, self.seen = key_id, Usage()
        self._client = stack.client(stack.must("key", "--id", key_id).strip().splitlines()[-1])

    def whole(self, model: str) -> None:
        """An answer in one piece."""
        usage = self._client.chat.completions.create(model=model, messages=QUESTION, max_tokens=TOKENS).usage
        assert usage is not None
        self._note(model, usage.prompt_tokens, usage.completion_tokens)

    def streamed(self, model: str) -> None:
        """A stream that tells its usage."""
        stream = self._client.chat.completions.create(
            model=model,
            messages=QUESTION,
            max_tokens=TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
        usage = [chunk.usage for chunk in stream if chunk.usage is not None][-1]
        self._note(model, usage.prompt_tokens, usage.completion_tokens)

    def refused(self, model: str) -> None:
        """A model that nobody serves."""
        self.seen[REQUESTS, self.key_id, "unknown"] += 1
        with pytest.raises(NotFoundError, match="not served here"):
            self._client.chat.completions.create(model=model, messages=QUESTION)

    def _note(self, model: str, prompt: int, completion: int) -> None:
        assert prompt > 0
        assert completion > 0
        self.seen[PROMPT, self.key_id, model] += prompt
        self.seen[COMPLETION, self.key_id, model] += completion
        self.seen[REQUESTS, self.key_id, model] += 1


def counted(prometheus: httpx.Client) -> Usage:
    found = Usage()
    for name in (PROMPT, COMPLETION, REQUESTS):
        for labels, value in vector(prometheus, name).items():
            known = dict(labels)
            found[name, known["key_id"], known["model"]] += round(value)
    return found


def test_the_counters_match_what_two_clients_saw(stack: Stack, prometheus: httpx.Client) -> None:
    default, alice = Client(stack, "default"), Client(stack, "alice")
    # Counters of a key that never asked are there, at 0: its first request is an increase.
    before = until(120, "counters are born", lambda: counted(prometheus))
    for _ in range(3):
        default.whole(MODEL)
        alice.streamed(OLLAMA)
    default.streamed(MODEL)
    alice.whole(MODEL)
    alice.refused("no-such-model")
    expected = before + default.seen + alice.seen
    wanted = expected[REQUESTS, "alice", "unknown"]
    until(90, "the last one is counted", lambda: counted(prometheus)[REQUESTS, "alice", "unknown"] == wanted)
    assert counted(prometheus) == expected


@pytest.mark.parametrize("model", [MODEL, OLLAMA])
def test_a_stream_that_tells_no_usage_is_counted_all_the_same(
    stack: Stack, prometheus: httpx.Client, model: str
) -> None:
    before = counted(prometheus)
    stream = stack.client().chat.completions.create(
        model=model, messages=QUESTION, max_tokens=TOKENS, stream=True
    )
    assert all(chunk.usage is None for chunk in stream)
    where = (REQUESTS, "default", model)
    until(60, "the request is counted", lambda: counted(prometheus)[where] > before[where])
    grown = counted(prometheus) - before
    assert grown[COMPLETION, "default", model] == TOKENS
    assert grown[PROMPT, "default", model] > 0


def test_cost_follows_from_the_price(prometheus: httpx.Client) -> None:
    tokens = counted(prometheus)
    for labels, usd in vector(prometheus, "slm:usage_usd:total").items():
        known = dict(labels)
        assert known["model"] == OLLAMA
        key = known["key_id"]
        expected = (tokens[PROMPT, key, OLLAMA] + 4 * tokens[COMPLETION, key, OLLAMA]) / 1e6
        assert usd == pytest.approx(expected)
