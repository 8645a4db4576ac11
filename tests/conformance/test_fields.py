"""Fields that one engine knows and another does not: honoured, or refused by name."""

import pytest

from tests.conformance.marks import can, cannot
from tests.conformance.served import ALPHABET, STORY, Api, text_of

pytestmark = pytest.mark.docker


@can("choices")
def test_several_answers_to_one_question_are_told_apart(api: Api) -> None:
    answer = api.chat(messages=STORY, n=2, temperature=1, seed=5, max_tokens=12)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert texts[0] != texts[1]
    single = api.chat(messages=STORY, max_tokens=1)["usage"]["prompt_tokens"]
    assert answer["usage"]["prompt_tokens"] == single


@can("choices")
def test_several_prompts_are_answered_in_their_order(api: Api) -> None:
    answer = api.complete(["One, two, three,", ALPHABET], max_tokens=8)
    texts = [choice["text"] for choice in sorted(answer["choices"], key=lambda each: each["index"])]
    assert "four" in texts[0]
    assert texts[1].startswith(" A B C")


@cannot("choices")
def test_more_than_one_answer_is_refused(api: Api) -> None:
    assert api.refused("/chat/completions", "n ", n=2)["param"] == "n"
    assert api.refused("/completions", "n ", prompt="a", n=2)["param"] == "n"
    assert api.refused("/completions", "prompt", prompt=["a", "b"])["param"] == "prompt"


@can("logprobs")
def test_every_token_comes_with_its_logarithm(api: Api) -> None:
    answer = api.chat(logprobs=True, top_logprobs=2)
    tokens = answer["choices"][0]["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens).startswith(text_of(answer))
    assert all(token["logprob"] <= 0 and len(token["top_logprobs"]) == 2 for token in tokens)
    likeliest = [max(each["logprob"] for each in token["top_logprobs"]) for token in tokens]
    assert [token["logprob"] for token in tokens] == pytest.approx(likeliest), "greedy takes the likeliest"
    assert answer["usage"]["completion_tokens"] - len(tokens) in (0, 1), "the end has no text"


@can("logprobs")
def test_a_continuation_gives_no_logprobs_silently(api: Api) -> None:
    assert api.refused("/completions", "logprobs", prompt="a", logprobs=2)["param"] == "logprobs"


@cannot("logprobs")
def test_logprobs_are_refused(api: Api) -> None:
    assert api.refused("/chat/completions", "logprobs", logprobs=True)["param"] == "logprobs"
    assert api.refused("/completions", "logprobs", prompt="a", logprobs=2)["param"] == "logprobs"


@cannot("logitBias")
def test_a_bias_is_refused(api: Api) -> None:
    assert api.refused("/chat/completions", "logit_bias", logit_bias={"5": 1})["param"] == "logit_bias"


@cannot("extensions")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_k", 1),
        ("min_p", 0.5),
        ("repetition_penalty", 1.5),
        ("min_tokens", 5),
        ("ignore_eos", True),
        ("guided_json", {"type": "object"}),
        ("structured_outputs", {"json": {"type": "object"}}),
        ("options", {"num_ctx": 4096}),
    ],
)
def test_a_field_of_another_engine_is_refused(api: Api, field: str, value: object) -> None:
    assert api.refused("/chat/completions", field, **{field: value})["param"] == field
    assert api.refused("/completions", field, prompt="a", **{field: value})["param"] == field
