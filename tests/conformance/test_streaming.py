"""Streams: chunks leave when they are made."""

import itertools
import time

import pytest

from tests.conformance.marks import can
from tests.conformance.served import COUNTING, QUESTION, Api, text_of
from tests.conformance.streams import Event, joined

pytestmark = pytest.mark.docker
ATTEMPTS = 3
"""The machine may be busy with something else; what holds, holds in one of so many."""


@can("streaming")
def test_chunks_arrive_while_later_ones_are_being_made(api: Api) -> None:
    for _ in range(ATTEMPTS):
        started = time.monotonic()
        arrivals = [event.at for event in _counted(api, 60) if event.text]
        assert len(arrivals) > 40, "about one chunk a token"
        whole, first = arrivals[-1] - started, arrivals[0] - started
        gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
        together = sum(gap < whole / len(arrivals) / 10 for gap in gaps)
        # Held back, they would come at once, in the end or in a few bunches.
        if first < whole / 2 and max(gaps) < whole / 2 and together < len(gaps) / 2:
            return
    pytest.fail(
        f"chunks came in bunches, {ATTEMPTS} times: first {first:.2f} s of {whole:.2f} s, gaps {gaps}"
    )


@can("streaming")
def test_a_stream_is_the_whole_answer_in_pieces(api: Api) -> None:
    events = _counted(api, 30)
    assert joined(events) == text_of(api.complete(max_tokens=30))
    assert len({event.content["id"] for event in events}) == 1
    assert [event.finish for event in events if event.finish] == ["length"]
    assert events[-1].finish == "length", "nothing comes behind the reason"


@can("streaming")
def test_a_streamed_chat_names_its_role_once_and_first(api: Api) -> None:
    chunks = list(
        api.client.chat.completions.create(
            model=api.model, messages=QUESTION, max_tokens=24, temperature=0, stream=True
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert not any(delta.role for delta in deltas[1:])
    assert "".join(delta.content or "" for delta in deltas) == text_of(api.chat())
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[-1].choices[0].finish_reason == "stop"


@can("streaming")
def test_characters_of_several_tokens_arrive_whole(api: Api) -> None:
    asked = {"prompt": "é è ê é è ê é è ê é è ê é è ê", "temperature": 0, "max_tokens": 14}
    events = api.streamed("/completions", **asked)
    assert joined(events) == text_of(api.complete(asked["prompt"], max_tokens=14))
    said = [event.text for event in events]
    assert not any("\ufffd" in text for text in said[:-2]), "only an end may cut a character"


@can("streaming")
def test_a_refusal_of_a_stream_is_a_refusal_and_no_stream(api: Api) -> None:
    api.refused("/chat/completions", "temperature", messages=QUESTION, stream=True, temperature=9)
    api.refused("/completions", "stream_options", prompt="a", stream_options={"include_usage": True})


def _counted(api: Api, tokens: int) -> list[Event]:
    return api.streamed("/completions", prompt=COUNTING, max_tokens=tokens, temperature=0)
