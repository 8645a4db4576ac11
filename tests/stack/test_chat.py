"""What a user sees: the endpoint answers those with a key, and only on the paths it should."""

import httpx
import pytest
from openai import APIStatusError

from tests.stack.rig import MODEL, Stack

pytestmark = pytest.mark.docker


def test_up_ends_with_an_answer_its_speed_and_how_to_go_on(stack: Stack) -> None:
    said = stack.first_up
    assert "Paris" in said
    assert "tokens/s" in said
    assert f"http://127.0.0.1:{stack.port}/v1" in said
    assert "key" in said


def test_the_openai_client_gets_an_answer(stack: Stack) -> None:
    answer = stack.client().chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        max_tokens=24,
        temperature=0,
    )
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


def test_the_openai_client_streams_with_usage_last(stack: Stack) -> None:
    chunks = list(
        stack.client().completions.create(
            model=MODEL, prompt="One, two, three,", max_tokens=12, temperature=0, stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    assert "four" in "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert len(chunks) > 4
    assert chunks[-1].usage is not None
    assert 4 < chunks[-1].usage.completion_tokens <= 12


def test_models_lists_what_the_key_may_use(stack: Stack) -> None:
    assert MODEL in [model.id for model in stack.client().models.list()]


@pytest.mark.parametrize("key", ["x", "slm-wrong", "a" * 4000])
def test_without_a_good_key_it_is_401(stack: Stack, key: str) -> None:
    answer = stack.chat(key=key)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "path", ["/metrics", "/tokenize", "/docs", "/health", "/ready", "/v1/../metrics", "/"]
)
def test_nothing_but_the_api_is_reachable(stack: Stack, path: str) -> None:
    url = f"http://127.0.0.1:{stack.port}{path}"
    headers = {"Authorization": f"Bearer {stack.key}"}
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_an_unknown_model_is_404_and_a_broken_body_400(stack: Stack) -> None:
    with pytest.raises(APIStatusError) as refusal:
        stack.client().completions.create(model="gpt-5", prompt="x")
    assert refusal.value.status_code == 404
    assert refusal.value.code == "model_not_found"
    assert stack.post("/chat/completions", {"model": MODEL}).status_code == 400


def test_a_body_above_the_limit_is_413(stack: Stack) -> None:
    answer = stack.post("/completions", {"model": MODEL, "prompt": "x" * (1024 * 1024)})
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_more_context_than_configured_is_refused_by_name(stack: Stack) -> None:
    answer = stack.post("/completions", {"model": MODEL, "prompt": "word " * 4000})
    assert answer.status_code == 400
    assert "2048" in answer.json()["error"]["message"]
