"""Whole answers: what is asked for is what comes, to the token."""

import pytest
from openai import BadRequestError

from tests.conformance.marks import can
from tests.conformance.served import ANSWER, COUNTING, QUESTION, STORY, Api, finish_of, text_of

pytestmark = pytest.mark.docker
TEXT = {"type": "text", "text": "again."}


@can("chat")
def test_a_chat_is_answered(api: Api) -> None:
    answer = api.client.chat.completions.create(
        model=api.model, messages=QUESTION, max_tokens=24, temperature=0
    )
    assert ANSWER in (answer.choices[0].message.content or "")
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == api.model
    assert answer.object == "chat.completion"


@can("chat")
def test_a_conversation_is_remembered_and_may_come_in_parts(api: Api) -> None:
    messages = [
        *QUESTION[:3],
        {"role": "user", "content": [{"type": "text", "text": "My name is Zora. Say hello"}, TEXT]},
    ]
    assert ANSWER in text_of(api.chat(messages=messages))


@can("chat")
def test_a_field_that_nobody_knows_changes_nothing(api: Api) -> None:
    unknown = {"user": "someone", "metadata": {"a": "b"}, "store": False, "x_nobody_knows": [1]}
    asks_nothing = {"n": 1, "tools": [], "response_format": {"type": "text"}, "logit_bias": {}, "stop": None}
    assert text_of(api.chat(**unknown, **asks_nothing)) == text_of(api.chat())


@can("chat")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 2.5),
        ("temperature", "hot"),
        ("top_p", 1.5),
        ("max_tokens", 0),
        ("stream", "yes"),
        ("messages", []),
        ("messages", [{"role": "user", "content": 5}]),
        ("messages", [{"role": "wizard", "content": "x"}]),
        ("modalities", ["audio"]),
        ("prediction", {"type": "content", "content": "x"}),
        ("function_call", {"name": "x"}),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(api: Api, field: str, value: object) -> None:
    error = api.refused("/chat/completions", "", **{field: value})
    assert field in f"{error['param']} {error['message']}"


@can("chat")
def test_an_image_for_a_model_of_texts_is_refused(api: Api) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    error = api.refused("/chat/completions", "", messages=messages)
    assert "messages" in error["param"]


@can("completions")
def test_a_text_is_continued_without_a_chat_template(api: Api) -> None:
    answer = api.client.completions.create(
        model=api.model, prompt="One, two, three,", max_tokens=12, temperature=0
    )
    assert "four" in answer.choices[0].text
    assert answer.object == "text_completion"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 6, "three words and their commas"


@can("completions")
def test_an_empty_prompt_is_refused(api: Api) -> None:
    api.refused("/completions", "prompt", prompt="")


@can("stop")
@pytest.mark.parametrize("stop", [" 17", ["nothing", " 17", " 18"]])
def test_an_answer_ends_before_its_stop_sequence(api: Api, stop: object) -> None:
    answer = api.complete(stop=stop, max_tokens=100)
    assert text_of(answer) == " 13, 14, 15, 16,"
    assert finish_of(answer) == "stop"


@can("stop")
def test_the_ends_of_a_chat_stay_beside_a_stop_sequence_of_ones_own(api: Api) -> None:
    answer = api.chat(stop=["Berlin"], max_tokens=100)
    assert text_of(answer) == text_of(api.chat(max_tokens=100))
    assert finish_of(answer) == "stop"


@can("stop")
def test_nothing_of_a_stop_sequence_is_streamed(api: Api) -> None:
    events = api.streamed("/completions", prompt=COUNTING, temperature=0, stop=[" 16, 17"], max_tokens=100)
    assert "".join(event.text for event in events) == " 13, 14, 15,"
    assert [event.finish for event in events if event.finish] == ["stop"]


@can("stop")
def test_stop_sequences_that_cannot_be_are_refused(api: Api) -> None:
    for stop in (5, "", ["a", "b", "c", "d", "e"]):
        assert "stop" in str(api.refused("/chat/completions", "", stop=stop)["param"])


@can("seed")
def test_a_seed_gives_its_answer_again_whatever_came_between(api: Api) -> None:
    def told(seed: int) -> str:
        return text_of(api.chat(messages=STORY, seed=seed, temperature=1, max_tokens=12))

    first = [told(seed) for seed in (1, 2, 3, 4)]
    assert len(set(first)) > 1, "every seed told the same"
    assert [told(seed) for seed in (4, 3, 2, 1)] == first[::-1]


@can("seed")
def test_without_a_temperature_there_is_one_answer(api: Api) -> None:
    assert len({text_of(api.complete(max_tokens=20, seed=seed)) for seed in (1, 2, 3)}) == 1


@can("seed")
def test_a_small_top_p_leaves_the_likeliest_token(api: Api) -> None:
    likeliest = text_of(api.complete(max_tokens=12))
    assert text_of(api.complete(max_tokens=12, temperature=1.5, top_p=0.001, seed=1)) == likeliest


@can("chat")
def test_the_official_client_raises_the_error_that_it_should(api: Api) -> None:
    with pytest.raises(BadRequestError, match="temperature"):
        api.client.completions.create(model=api.model, prompt="a", temperature=3)
