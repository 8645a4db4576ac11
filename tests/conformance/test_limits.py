"""Bounds: the context, the requests answered at once, and clients that leave."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from openai import BadRequestError

from tests.conformance.marks import can
from tests.conformance.served import ALPHABET, CONCURRENCY, CONTEXT, MAX_QUEUE, Api, finish_of, text_of
from tests.conformance.streams import Event

pytestmark = pytest.mark.docker


@can("contextOverflow")
def test_a_prompt_beyond_the_context_is_refused_with_the_limit(api: Api) -> None:
    long = "word " * (CONTEXT * 2)
    with pytest.raises(BadRequestError) as chat:
        api.client.chat.completions.create(
            model=api.model, messages=[{"role": "user", "content": long}], max_tokens=8
        )
    assert chat.value.code == "context_length_exceeded"
    assert str(CONTEXT) in chat.value.message
    assert api.refused("/completions", str(CONTEXT), prompt=long)["code"] == "context_length_exceeded"


@can("contextOverflow")
def test_an_answer_longer_than_the_context_is_refused_with_the_limit(api: Api) -> None:
    for path, asked in (("/chat/completions", {}), ("/completions", {"prompt": "a"})):
        error = api.refused(path, str(CONTEXT), **asked, max_tokens=CONTEXT * 2)
        assert error["code"] == "context_length_exceeded"


@can("contextOverflow")
def test_prompt_and_answer_fill_the_context_to_the_last_token_and_not_one_more(api: Api) -> None:
    prompt, stop = ALPHABET, [" A"]
    used = api.complete(prompt, max_tokens=1)["usage"]["prompt_tokens"]
    fitting = api.complete(prompt, max_tokens=CONTEXT - used, stop=stop)
    assert finish_of(fitting) == "stop"
    error = api.refused("/completions", str(CONTEXT), prompt=prompt, max_tokens=CONTEXT - used + 1, stop=stop)
    assert error["code"] == "context_length_exceeded"


@can("contextOverflow")
def test_an_answer_without_a_limit_ends_where_the_context_does(api: Api) -> None:
    said = "word " * (CONTEXT - 50)
    messages = [{"role": "user", "content": f"Repeat for ever: {said}"}]
    answer = api.chat(messages=messages, max_tokens=None, temperature=1, seed=1)
    total = answer["usage"]["total_tokens"]
    # An engine may say one token that it does not read any more.
    assert total <= CONTEXT + 1
    assert finish_of(answer) == ("length" if total >= CONTEXT else "stop"), answer["usage"]


@can("cancellation")
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_client_that_leaves_frees_its_slot(api: Api, streamed: bool) -> None:
    tokens = CONTEXT - 100
    with contextlib.ExitStack() as held:
        rates = [held.enter_context(_busy(api, tokens)) for _ in range(CONCURRENCY)]
        if not streamed:
            held.close()
            _leave_early(api, tokens)
    left = time.monotonic()
    answer = api.chat(max_tokens=4)
    took = time.monotonic() - left
    assert answer["usage"]["completion_tokens"] == 4
    remaining = tokens * min(rates)
    assert took < remaining / 2, f"{took:.1f} s; the answers left behind would take {remaining:.1f} s"


@can("concurrency")
def test_so_many_requests_are_answered_at_once_and_the_next_waits(api: Api) -> None:
    def timed(_: int) -> tuple[float, float]:
        events = [event for event in api.streamed("/completions", **api.long(40)) if event.text]
        return events[0].at, events[-1].at

    with ThreadPoolExecutor(CONCURRENCY + 1) as pool:
        spans = sorted(pool.map(timed, range(CONCURRENCY + 1)))
    begun, first_end = [span[0] for span in spans], min(span[1] for span in spans)
    assert max(begun[:CONCURRENCY]) < first_end, "they were answered one after the other"
    assert begun[CONCURRENCY] >= first_end, f"more than {CONCURRENCY} were answered at once"


@can("concurrency")
def test_company_changes_no_answer_beyond_what_its_kernels_do(api: Api) -> None:
    prompts = ["One, two, three,", ALPHABET]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        texts = list(pool.map(lambda prompt: text_of(api.complete(prompt, max_tokens=8)), prompts))
    assert "four" in texts[0]
    assert texts[1].startswith(" A B C")


@can("concurrency")
def test_beyond_the_queue_it_is_503_with_retry_after_and_nobody_else_is_lost(api: Api) -> None:
    places, extra = CONCURRENCY + MAX_QUEUE, 4
    ready = threading.Barrier(places + extra)

    def ask(_: int) -> httpx.Response:
        ready.wait(timeout=30)
        return api.post("/completions", **api.long(40))

    with ThreadPoolExecutor(places + extra) as pool:
        answers = list(pool.map(ask, range(places + extra)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert sum(answer.status_code == 200 for answer in answers) == places + extra - len(refused)
    # One that came late may have found a place that had just become free.
    assert 1 <= len(refused) <= extra
    assert {answer.json()["error"]["code"] for answer in refused} == {"queue_full"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


@contextlib.contextmanager
def _busy(api: Api, tokens: int) -> Iterator[float]:
    """Holds a slot; gives the seconds that its tokens take, one by one."""
    with api.streaming("/completions", **api.long(tokens)) as events:
        first: Event = next(events)
        for _ in range(10):
            last = next(events)
        yield (last.at - first.at) / 10


def _leave_early(api: Api, tokens: int) -> None:
    """Ask for whole answers, as many as there are slots, and hang up when they are under way."""

    def ask() -> None:
        with contextlib.suppress(httpx.ReadTimeout):
            httpx.post(
                f"{api.stack.url}/completions", json={"model": api.model, **api.long(tokens)},
                headers={"Authorization": f"Bearer {api.stack.key}"}, timeout=1, trust_env=False,
            )  # fmt: skip
            pytest.fail(f"{tokens} tokens took less than a second")

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        asked: list[Future[None]] = [pool.submit(ask) for _ in range(CONCURRENCY)]
    for each in asked:
        each.result()
