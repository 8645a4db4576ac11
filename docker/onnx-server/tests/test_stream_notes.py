"""Streams tell their tokens to the gateway in comments, which clients skip."""

import json
from typing import Any

import pytest
from server_process import NAME, ServerProcess

HELLO = {"messages": [{"role": "user", "content": "hello world"}]}


def _blocks(server: ServerProcess, path: str, **asked: Any) -> list[str]:
    body = {"model": NAME, "stream": True, "temperature": 0, **asked}
    return server.http.post(path, json=body).text.removesuffix("\n\n").split("\n\n")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/chat/completions", HELLO),
        ("/v1/completions", {"prompt": "hello world"}),
        ("/v1/completions", {"prompt": ["hello", "hello world"], "n": 2}),
    ],
)
def test_prompt_tokens_come_first_and_all_of_them_ahead_of_the_last_chunk(
    server: ServerProcess, path: str, asked: dict[str, Any]
) -> None:
    whole = server.http.post(path, json={"model": NAME, "temperature": 0, "max_tokens": 9, **asked}).json()
    blocks = _blocks(server, path, max_tokens=9, **asked)
    notes = [json.loads(block[2:])["usage"] for block in blocks if block.startswith(": ")]
    assert notes == [{"prompt_tokens": whole["usage"]["prompt_tokens"]}, whole["usage"]]
    *_, note, end, done = blocks
    assert note.startswith(": ")
    assert json.loads(end.removeprefix("data: "))["choices"][0]["finish_reason"]
    assert done == "data: [DONE]"


def test_a_stream_of_one_token_tells_all_at_once(server: ServerProcess) -> None:
    blocks = _blocks(server, "/v1/completions", max_tokens=1, prompt="hello world")
    [note] = [json.loads(block[2:])["usage"] for block in blocks if block.startswith(": ")]
    assert note["completion_tokens"] == 1
