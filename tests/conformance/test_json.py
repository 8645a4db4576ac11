"""Answers in JSON: they follow their schema, or a response format is refused."""

import json
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from tests.conformance.marks import can, cannot
from tests.conformance.served import QUESTION, Api, text_of
from tests.conformance.streams import joined

pytestmark = pytest.mark.docker


class Fruit(BaseModel):
    """What a user of the official client writes to get an object."""

    model_config = ConfigDict(strict=True, extra="forbid")

    colour: Literal["red", "green", "yellow"]
    ripe: bool
    taste: Literal["sweet", "sour"]


@can("jsonSchema")
def test_an_answer_follows_its_schema(api: Api) -> None:
    for seed in (1, 2, 3):
        answer = api.client.chat.completions.parse(
            model=api.model, messages=[{"role": "user", "content": "Describe an apple."}],
            response_format=Fruit, temperature=1, seed=seed, max_tokens=100,
        )  # fmt: skip
        assert isinstance(answer.choices[0].message.parsed, Fruit)


@can("jsonSchema")
def test_a_streamed_answer_follows_its_schema(api: Api) -> None:
    schema = {"name": "fruit", "strict": True, "schema": Fruit.model_json_schema()}
    events = api.streamed(
        "/chat/completions", messages=QUESTION, temperature=0, max_tokens=100,
        response_format={"type": "json_schema", "json_schema": schema},
    )  # fmt: skip
    Fruit.model_validate_json(joined(events))


@can("jsonSchema")
def test_a_json_object_is_one(api: Api) -> None:
    asked = [
        {"role": "user", "content": 'Answer in JSON. Example: {"colour": "red"}. The colour of a banana?'}
    ]
    answer = api.chat(messages=asked, response_format={"type": "json_object"}, max_tokens=200, temperature=0)
    assert isinstance(json.loads(text_of(answer)), dict)


@can("jsonSchema")
@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "banana"}}},
        {"type": "yaml"},
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(api: Api, wanted: object) -> None:
    api.refused("/chat/completions", "response_format", response_format=wanted)


@cannot("jsonSchema")
def test_a_response_format_is_refused(api: Api) -> None:
    schema = {"name": "fruit", "schema": Fruit.model_json_schema()}
    for wanted in ({"type": "json_object"}, {"type": "json_schema", "json_schema": schema}):
        error = api.refused("/chat/completions", "response_format", response_format=wanted)
        assert error["param"] == "response_format"
