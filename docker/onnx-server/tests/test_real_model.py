"""SmolLM2-135M, where it is mounted at /models/smollm2 (or REAL_MODEL says where)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server_process import NAME, ServerProcess, eventually

FRANCE = {
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "temperature": 0,
    "max_tokens": 24,
}


def test_the_real_model_knows_the_capital_of_france_alone_and_in_a_batch(
    start_server: Callable[..., ServerProcess], real_model: Path
) -> None:
    server = start_server("--slots", "4", "--context-length", "512", model=real_model)
    with ThreadPoolExecutor(4) as pool:
        batch = list(pool.map(lambda _: server.chat(**FRANCE), range(4)))
    for answer in [server.chat(**FRANCE), *batch]:
        assert "Paris" in answer.json()["choices"][0]["message"]["content"]


def test_the_real_model_ends_its_answer_by_itself(
    start_server: Callable[..., ServerProcess], real_model: Path
) -> None:
    server = start_server("--slots", "1", "--context-length", "512", model=real_model)
    client = server.openai()
    answer = client.chat.completions.create(
        model=NAME,
        messages=[{"role": "user", "content": "Say hello in one word."}],
        temperature=0,
        max_tokens=300,
    )
    assert answer.choices[0].finish_reason == "stop"
    assert "<|im_end|>" not in (answer.choices[0].message.content or "")


def test_a_short_question_is_answered_while_a_long_answer_runs(
    start_server: Callable[..., ServerProcess], real_model: Path
) -> None:
    server = start_server("--slots", "2", "--context-length", "512", model=real_model)
    story = [{"role": "user", "content": "Tell a long story about a fox and a river."}]
    body = {"model": NAME, "messages": story, "temperature": 0, "max_tokens": 300, "stream": True}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert server.chat(max_tokens=3).status_code == 200
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"

    def ends() -> list[bool]:
        return [line["stream"] for line in server.log() if line["event"] == "request"]

    eventually(lambda: len(ends()) == 2)  # the line comes after the last byte
    assert ends() == [False, True], "the short one ended first"
