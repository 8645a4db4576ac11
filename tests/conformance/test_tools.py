"""Tools: a call comes in OpenAI's form, or tools are refused."""

import json
from typing import Any

import pytest
from openai import BadRequestError

from tests.conformance.marks import can, cannot
from tests.conformance.served import Api

pytestmark = pytest.mark.docker

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def _called(city: str, result: str) -> list[dict[str, object]]:
    call = {
        "id": f"call_{city}",
        "type": "function",
        "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
    }
    return [
        _asked(city),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{city}", "content": result},
    ]


def _asked(city: str) -> dict[str, object]:
    return {"role": "user", "content": f"What is the weather in {city}?"}


CONVERSATION: Any = [*_called("Rome", "sunny"), *_called("Paris", "rainy"), _asked("Oslo")]
"""A model that was not trained for it needs examples."""


@can("tools")
def test_a_tool_call_comes_in_the_form_of_openai(api: Api) -> None:
    answer = api.client.chat.completions.create(
        model=str(api.names.tools), messages=CONVERSATION, tools=[WEATHER], temperature=0, max_tokens=64,
    )  # fmt: skip
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert call.id
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    assert not choice.message.content


@can("tools")
def test_a_tool_call_is_streamed_whole(api: Api) -> None:
    asked = {"messages": CONVERSATION, "tools": [WEATHER], "temperature": 0, "max_tokens": 64}
    events = api.streamed("/chat/completions", **{**asked, "model": api.names.tools})
    deltas = [event.content["choices"][0]["delta"] for event in events if event.content["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
    assert {call["index"] for call in calls} == {0}
    assert "".join(call["function"].get("name") or "" for call in calls) == "get_weather"
    arguments = "".join(call["function"].get("arguments") or "" for call in calls)
    assert json.loads(arguments) == {"city": "Oslo"}
    assert [event.finish for event in events if event.finish] == ["tool_calls"]
    assert not any(delta.get("content") for delta in deltas), "a call is no text"


@can("tools")
def test_tools_that_shall_not_be_called_are_not(api: Api) -> None:
    answer = api.chat(
        model=api.names.tools, messages=CONVERSATION, tools=[WEATHER], tool_choice="none", max_tokens=48
    )
    assert not answer["choices"][0]["message"].get("tool_calls")
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")


@can("tools")
def test_a_model_without_a_place_for_tools_refuses_them(api: Api) -> None:
    assert api.refused("/chat/completions", "tools", tools=[WEATHER])["param"] == "tools"


@cannot("tools")
def test_tools_are_refused(api: Api) -> None:
    assert api.refused("/chat/completions", "tools", tools=[WEATHER])["param"] == "tools"
    required = api.refused("/chat/completions", "tool_choice", tools=[], tool_choice="required")
    assert required["param"] == "tool_choice"
    with pytest.raises(BadRequestError, match="tools"):
        api.client.chat.completions.create(
            model=api.model, messages=[{"role": "user", "content": "Hi"}],
            tools=[{"type": "function", "function": {"name": "f"}}],
        )  # fmt: skip
