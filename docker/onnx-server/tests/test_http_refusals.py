"""Every refusal has OpenAI's form and says what to change."""

import json
import socket
from typing import Any

import httpx
import openai
import pytest
from server_process import NAME, ServerProcess


def refusal(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("temperature", 2.5, "less than or equal to 2 (got 2.5)"),
        ("temperature", -0.1, "greater than or equal to 0 (got -0.1)"),
        ("temperature", "hot", "valid number"),
        ("temperature", True, "valid number"),
        ("top_p", 1.01, "less than or equal to 1"),
        ("max_tokens", 0, "greater than or equal to 1 (got 0)"),
        ("max_completion_tokens", -5, "greater than or equal to 1"),
        ("n", 129, "less than or equal to 128"),
        ("seed", 1.5, "valid integer"),
        ("seed", 2**63, "less than 9223372036854775808"),
        ("presence_penalty", 3, "less than or equal to 2"),
        ("frequency_penalty", -3, "greater than or equal to -2"),
        ("stream", "yes", "valid boolean"),
        ("stop", ["a", "b", "c", "d", "e"], "at most 4"),
        ("stop", "", "at least 1 character"),
        ("messages", [], "at least 1 item"),
        ("messages", "hello", "valid list"),
        ("tools", [{"type": "function"}], "tools is not supported"),
        ("response_format", {"type": "json_object"}, "response_format is not supported"),
        ("logprobs", True, "logprobs is not supported"),
        ("logit_bias", {"5": 1}, "logit_bias is not supported"),
        ("modalities", ["audio"], "modalities is not supported"),
        ("top_k", 1, "top_k is not supported"),
        ("repetition_penalty", 1.5, "repetition_penalty is not supported"),
        ("guided_json", {"type": "object"}, "guided_json is not supported"),
        ("options", {"num_ctx": 9}, "options is not supported"),
    ],
)
def test_a_wrong_or_unsupported_field_is_named_with_its_limit(
    server: ServerProcess, field: str, value: object, text: str
) -> None:
    error = refusal(server.chat(**{field: value}), 400)
    assert text in error["message"]
    assert error["param"] == field
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "x"}, "messages.0.role"),
        ({"role": "user"}, "messages.0"),
        ({"role": "user", "content": 5}, "messages.0.content"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "messages.0.content",
        ),
    ],
)
def test_a_wrong_message_is_refused_at_its_place(
    server: ServerProcess, message: dict[str, object], param: str
) -> None:
    error = refusal(server.chat(messages=[message]), 400)
    assert error["param"].startswith(param)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"model": NaN}',
        b'{"model": "tiny", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "tiny", "messages": [{"role": "user", "content": "\xff"}]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(server: ServerProcess, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/completions"):
        assert refusal(server.http.post(path, content=body), 400)["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, "a"]}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": "a", "echo": True}, "echo"),
        ({"prompt": "a", "logprobs": 0}, "logprobs"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "best_of": 2}, "best_of"),
    ],
)
def test_a_wrong_text_completion_is_refused(
    server: ServerProcess, fields: dict[str, object], param: str
) -> None:
    answer = server.http.post("/v1/completions", json={"model": NAME, **fields})
    assert refusal(answer, 400)["param"].startswith(param)


@pytest.mark.parametrize("prompt", [[512], [-1], [5, 10**12], ""])
def test_token_ids_outside_of_the_vocabulary_never_reach_the_engine(
    server: ServerProcess, prompt: object
) -> None:
    refusal(server.http.post("/v1/completions", json={"model": NAME, "prompt": prompt}), 400)
    assert server.chat().status_code == 200


def test_more_than_the_context_is_refused_with_both_numbers(server: ServerProcess) -> None:
    error = refusal(server.chat(max_tokens=600), 400)
    assert error["code"] == "context_length_exceeded"
    assert "600 for the answer exceed the context length of 512 tokens" in error["message"]
    long = [{"role": "user", "content": "hello " * 5000}]
    answer = server.http.post("/v1/chat/completions", json={"model": NAME, "messages": long})
    assert refusal(answer, 400)["code"] == "context_length_exceeded"


def test_more_answers_than_can_ever_fit_are_refused_for_good(server: ServerProcess) -> None:
    assert "limit of 8" in refusal(server.chat(n=9), 400)["message"]


def test_embeddings_of_a_language_model_are_refused_by_name(server: ServerProcess) -> None:
    answer = server.http.post("/v1/embeddings", json={"model": NAME, "input": "a"})
    error = refusal(answer, 400)
    assert error["code"] == "unsupported_endpoint"
    assert "'tiny' is no embedding model" in error["message"]


def test_a_field_that_asks_nothing_and_one_that_nobody_knows_change_nothing(server: ServerProcess) -> None:
    harmless = {
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1,
        "tools": [],
        "logprobs": False,
        "top_logprobs": None,
    }
    plain = server.chat(max_tokens=8, temperature=0)
    asked = server.chat(max_tokens=8, temperature=0, user="a", metadata={"a": "b"}, x_nobody=[1], **harmless)
    assert asked.status_code == 200, asked.text
    assert asked.json()["choices"] == plain.json()["choices"]


def test_another_model_is_not_found(server: ServerProcess) -> None:
    assert refusal(server.chat(model="gpt-4"), 404)["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/embeddings", 405),
        ("GET", "/docs", 404),
        ("GET", "/v1/models/", 404),
        ("GET", "/ready/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/health", 405),
    ],
)
def test_unknown_paths_and_methods_are_refused(
    server: ServerProcess, method: str, path: str, status: int
) -> None:
    refusal(server.http.request(method, path), status)


def test_a_body_beyond_the_limit_is_refused_before_it_is_all_there(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
        connection.sendall(head.encode() + b" " * (5 << 20))
        answer = connection.recv(65536)
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    body = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    assert body["error"]["code"] == "body_too_large"


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(
    server: ServerProcess,
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        connection.sendall(head.encode())
    assert server.chat().status_code == 200
    assert "Traceback" not in server.output()


def test_the_official_client_raises_its_own_errors(server: ServerProcess) -> None:
    client = server.openai()
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.completions.create(model=NAME, prompt="a", temperature=3)
    with pytest.raises(openai.NotFoundError, match="serves 'tiny'"):
        client.completions.create(model="other", prompt="a")
