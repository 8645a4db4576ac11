"""The API as clients see it: a real server, the official client."""

from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from server_process import NAME, ServerProcess, eventually

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello world"}]


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> OpenAI:
    return server.openai()


def test_a_chat_completion_has_text_usage_and_a_reason_to_end(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=NAME, messages=HELLO, temperature=0, max_completion_tokens=12
    )
    assert answer.object == "chat.completion"
    assert answer.model == NAME
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens == 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 12


def test_a_stream_is_the_whole_answer_in_pieces_with_usage_last(client: OpenAI) -> None:
    whole = client.chat.completions.create(model=NAME, messages=HELLO, temperature=0.9, seed=5, max_tokens=40)
    chunks = list(
        client.chat.completions.create(
            model=NAME,
            messages=HELLO,
            temperature=0.9,
            seed=5,
            max_tokens=40,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *body, last = chunks
    assert len(body) > 5
    assert body[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in body)
    assert text == whole.choices[0].message.content
    assert body[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.choices == []
    assert last.usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in body)


def test_a_stream_without_the_option_has_no_usage(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=3, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(client: OpenAI) -> None:
    def ask(seed: int) -> str | None:
        answer = client.chat.completions.create(
            model=NAME, messages=HELLO, temperature=1.5, top_p=0.95, seed=seed, max_tokens=30
        )
        return answer.choices[0].message.content

    assert ask(1) == ask(1)
    assert ask(1) != ask(2)


def test_a_stop_sequence_ends_the_answer_before_itself(client: OpenAI) -> None:
    def ask(stop: list[str]) -> openai.types.Completion:
        return client.completions.create(
            model=NAME, prompt="hello", temperature=1.2, seed=4, max_tokens=40, stop=stop
        )

    text = ask([]).choices[0].text
    stop = text[9:14]
    answer = ask([stop, "never in it"])
    assert answer.choices[0].text == text[: text.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert answer.usage.completion_tokens < 40


def test_completions_take_texts_and_token_ids_one_or_many(client: OpenAI) -> None:
    def ask(prompt: str | list[str] | list[int] | list[list[int]]) -> list[str]:
        answer = client.completions.create(model=NAME, prompt=prompt, temperature=0, max_tokens=6)
        return [choice.text for choice in answer.choices]

    one, other = ask("hello world"), ask("the quick")
    assert ask(["hello world", "the quick"]) == one + other
    first, second = ask([5, 6, 7]), ask([8])
    assert ask([[5, 6, 7], [8]]) == first + second


def test_several_choices_are_numbered_and_differ(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=NAME, messages=HELLO, n=3, temperature=1.5, seed=1, max_tokens=20
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    chunks = client.chat.completions.create(
        model=NAME, messages=HELLO, n=3, temperature=1.5, seed=1, max_tokens=20, stream=True
    )
    texts = ["", "", ""]
    for chunk in chunks:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == [choice.message.content for choice in answer.choices]


def test_an_answer_without_limit_ends_with_the_context(server: ServerProcess) -> None:
    answer = server.http.post(
        "/v1/chat/completions",
        json={"model": NAME, "temperature": 0, "messages": HELLO},
    ).json()
    assert answer["usage"]["total_tokens"] == 512
    assert answer["choices"][0]["finish_reason"] == "length"


def test_the_model_is_listed_and_found(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [NAME]
    assert client.models.retrieve(NAME).id == NAME
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


def test_message_parts_and_the_developer_role_are_understood(server: ServerProcess) -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "text", "text": "world"}]
    modern = [{"role": "developer", "content": "be brief"}, {"role": "user", "content": parts}]
    plain = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello\nworld"},
    ]
    answers = [server.chat(messages=messages).json() for messages in (modern, plain)]
    assert answers[0]["choices"] == answers[1]["choices"]


def test_fields_that_ask_nothing_of_the_engine_are_accepted(server: ServerProcess) -> None:
    fields = {
        "tools": [],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "logprobs": False,
        "logit_bias": None,
        "user": "someone",
        "store": True,
        "some_new_field": {"a": 1},
        "temperature": None,
        "stop": None,
    }
    assert server.chat(**fields).status_code == 200


def test_the_request_id_is_echoed_or_made(server: ServerProcess) -> None:
    def ask(given: str) -> str:
        headers = {"X-Request-Id": given}
        echoed: str = server.http.get("/v1/models", headers=headers).headers["x-request-id"]
        return echoed

    assert ask("abc-123") == "abc-123"
    assert ask('"} injected') not in {"", '"} injected'}
    assert ask("x" * 200) != "x" * 200


def test_metrics_move_with_requests(server: ServerProcess) -> None:
    names = {
        "onnx_requests_total": {"endpoint": "chat", "outcome": "ok"},
        "onnx_generation_tokens_total": {},
        "onnx_prompt_tokens_total": {},
        "onnx_time_to_first_token_seconds_count": {},
        "onnx_inter_token_seconds_count": {},
        "onnx_request_seconds_count": {},
        "onnx_queue_seconds_count": {},
    }
    before = {name: server.metric(name, **labels) for name, labels in names.items()}
    usage = server.chat(max_tokens=10).json()["usage"]
    after = {name: server.metric(name, **labels) for name, labels in names.items()}
    moved = {name: after[name] - before[name] for name in names}
    assert moved == {
        "onnx_requests_total": 1,
        "onnx_generation_tokens_total": 10,
        "onnx_prompt_tokens_total": usage["prompt_tokens"],
        "onnx_time_to_first_token_seconds_count": 1,
        "onnx_inter_token_seconds_count": 9,
        "onnx_request_seconds_count": 1,
        "onnx_queue_seconds_count": 1,
    }
    assert server.metric("onnx_slots") == 4
    assert server.metric("onnx_engine_up") == 1
    assert server.metric("onnx_requests_running") == server.metric("onnx_kv_tokens") == 0
    assert "onnx_build_info{" in server.http.get("/metrics").text


def test_the_log_has_one_line_a_request_and_no_text(server: ServerProcess) -> None:
    secret = "xylophone marmalade"
    server.http.post(
        "/v1/chat/completions",
        json={"model": NAME, "messages": [{"role": "user", "content": secret}], "max_tokens": 5},
        headers={"X-Request-Id": "log-test-1"},
    )
    server.chat(messages=[{"role": "user", "content": 1, "x": secret}])

    def ours() -> list[dict[str, Any]]:
        return [line for line in server.log() if line.get("request_id") == "log-test-1"]

    eventually(lambda: len(ours()) > 0)  # the line comes after the last byte
    lines = ours()
    assert len(lines) == 1
    assert lines[0]["status"] == 200
    assert lines[0]["model"] == NAME
    assert lines[0]["completion_tokens"] == 5
    assert {"total_ms", "queue_ms", "first_token_ms", "prompt_tokens"} <= lines[0].keys()
    assert "xylophone" not in server.output()
