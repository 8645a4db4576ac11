"""Tokens are counted, and bounded, one by one."""

import pytest

from tests.conformance.marks import can
from tests.conformance.served import ALPHABET, QUESTION, STORY, Api, finish_of, text_of

pytestmark = pytest.mark.docker


@can("maxTokens")
@pytest.mark.parametrize("tokens", [1, 7, 33])
def test_an_answer_has_exactly_the_tokens_it_may(api: Api, tokens: int) -> None:
    answer = api.complete(max_tokens=tokens)
    assert answer["usage"]["completion_tokens"] == tokens
    assert finish_of(answer) == "length"


@can("maxTokens")
def test_both_names_of_the_limit_hold_in_a_chat(api: Api) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        answer = api.post("/chat/completions", messages=STORY, temperature=0, **{name: 9}).json()
        assert (answer["usage"]["completion_tokens"], finish_of(answer)) == (9, "length")


@can("maxTokens")
def test_a_continuation_without_a_limit_has_the_sixteen_tokens_of_openai(api: Api) -> None:
    assert api.complete()["usage"]["completion_tokens"] == 16


@can("usage")
def test_usage_adds_up_and_counts_the_prompt_the_same_each_time(api: Api) -> None:
    used = [api.chat()["usage"] for _ in range(3)]
    assert used[0] == used[1] == used[2], "a prompt that is cached counts, too"
    assert used[0]["total_tokens"] == used[0]["prompt_tokens"] + used[0]["completion_tokens"]
    longer = api.chat(
        messages=[*QUESTION[:-1], {"role": "user", "content": QUESTION[-1]["content"] + " Really"}]
    )["usage"]
    assert longer["prompt_tokens"] == used[0]["prompt_tokens"] + 1


@can("usage")
def test_usage_of_a_stream_is_that_of_the_whole_answer(api: Api) -> None:
    asked = {"messages": QUESTION, "temperature": 0, "max_tokens": 24}
    events = api.streamed("/chat/completions", **asked, stream_options={"include_usage": True})
    assert events[-1].content["choices"] == []
    assert events[-1].content["usage"] == api.chat()["usage"]
    assert all(event.content.get("usage") is None for event in events[:-1])
    assert all(event.content["choices"] for event in events[:-1])


@can("usage")
def test_usage_is_streamed_only_where_it_is_asked_for(api: Api) -> None:
    events = api.streamed("/completions", **api.long(8))
    assert all(event.content.get("usage") is None and event.content["choices"] for event in events)


@can("penalties")
def test_a_penalty_on_what_was_said_changes_what_is_said(api: Api) -> None:
    plain = text_of(api.complete(ALPHABET, max_tokens=16))
    assert plain.startswith(" A B C A B C")
    assert text_of(api.complete(ALPHABET, max_tokens=16, frequency_penalty=2)) != plain
    told = text_of(api.chat(messages=STORY, max_tokens=24))
    assert text_of(api.chat(messages=STORY, max_tokens=24, presence_penalty=2)) != told
