"""Full queues, clients that leave, draining, and the death of the engine: real processes."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest
from server_process import NAME, ServerProcess, eventually, free_port

LONG = {"n": 100, "max_tokens": 480}
"""100 answers, one after the other on one slot: seconds of work even for the tiny model."""
StartServer = Callable[..., ServerProcess]

DYING_ENGINE = """
import sys
from onnx_server.cli import main
from onnx_server.core.runner import Runner
decode, steps = Runner.decode, [0]
def dies(self, tokens):
    steps[0] += 1
    if steps[0] > 40:
        raise MemoryError("no memory left for a step")
    return decode(self, tokens)
Runner.decode = dies
sys.exit(main())
"""


@pytest.fixture
def busy(start_server: StartServer) -> ServerProcess:
    return start_server("--slots", "1", "--queue", "120")


@contextmanager
def long_stream(server: ServerProcess) -> Iterator[Iterator[str]]:
    """LONG as a stream whose first event has arrived; leaving the block leaves the server."""
    messages = [{"role": "user", "content": "a"}]
    body = {"model": NAME, "messages": messages, "stream": True, "temperature": 0, **LONG}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        yield lines


def in_background(call: Callable[[], httpx.Response]) -> Future[httpx.Response]:
    executor = ThreadPoolExecutor(1)
    future = executor.submit(call)
    executor.shutdown(wait=False)
    return future


def wait_until_running(server: ServerProcess) -> None:
    eventually(lambda: server.metric("onnx_requests_running") > 0)


def test_a_full_queue_answers_503_with_retry_after(start_server: StartServer) -> None:
    server = start_server("--slots", "1", "--queue", "99")
    with long_stream(server):
        answer = server.chat()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["code"] == "queue_full"
        with pytest.raises(openai.InternalServerError) as caught:
            server.openai().completions.create(model=NAME, prompt=["a"] * 100)
        assert caught.value.status_code == 503
        assert server.metric("onnx_requests_waiting") > 0
    eventually(lambda: server.chat().status_code == 200)
    assert server.metric("onnx_requests_total", endpoint="chat", outcome="full") >= 1


def test_a_client_that_leaves_a_stream_frees_its_slots(busy: ServerProcess) -> None:
    with long_stream(busy):
        pass
    assert_everything_is_cancelled(busy)


def test_a_client_that_leaves_before_its_answer_frees_its_slots(busy: ServerProcess) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{busy.url}/v1/chat/completions",
            json={"model": NAME, "messages": [{"role": "user", "content": "a"}], **LONG},
            timeout=0.3,
            trust_env=False,
        )
    assert_everything_is_cancelled(busy)


def assert_everything_is_cancelled(server: ServerProcess) -> None:
    eventually(lambda: server.metric("onnx_requests_running") == 0)
    assert server.metric("onnx_requests_waiting") == server.metric("onnx_kv_tokens") == 0
    assert server.metric("onnx_generation_tokens_total") < LONG["n"] * LONG["max_tokens"]
    eventually(lambda: server.metric("onnx_requests_total", endpoint="chat", outcome="cancelled") == 1)
    assert server.chat().status_code == 200
    assert "socket.send()" not in server.output(), "it kept writing to a closed connection"


def test_sigterm_lets_running_answers_finish_and_refuses_new_ones(busy: ServerProcess) -> None:
    future = in_background(lambda: busy.chat(n=40, max_tokens=480))
    wait_until_running(busy)
    busy.signal(signal.SIGTERM)
    eventually(lambda: busy.http.get("/ready").status_code == 503)
    assert busy.http.get("/health").status_code == 200
    refused = busy.chat()
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "shutting_down"
    assert int(refused.headers["retry-after"]) > 0
    answer = future.result()
    assert answer.status_code == 200
    assert len(answer.json()["choices"]) == 40
    assert busy.wait() == 0


def test_while_it_lingers_it_is_not_ready_and_still_serves(start_server: StartServer) -> None:
    server = start_server("--linger-seconds", "3")
    server.signal(signal.SIGTERM)
    eventually(lambda: server.http.get("/ready").status_code == 503)
    assert server.chat().status_code == 200
    assert server.wait() == 0


def arrived(server: ServerProcess) -> float:
    """Sequences so far. In this order: one that moves on in between is missed, never counted twice."""
    names = ("onnx_request_seconds_count", "onnx_requests_running", "onnx_requests_waiting")
    return sum(server.metric(name) for name in names)


def test_after_the_drain_time_what_still_runs_is_told_so(start_server: StartServer) -> None:
    server = start_server("--slots", "1", "--queue", "120", "--drain-seconds", "0")
    with long_stream(server) as lines:
        queued = in_background(server.chat)
        eventually(lambda: arrived(server) > LONG["n"])
        server.signal(signal.SIGTERM)
        rest = [line for line in lines if line]
    assert '"code":"shutting_down"' in rest[-1]
    assert queued.result().status_code == 503
    assert queued.result().json()["error"]["code"] == "shutting_down"
    assert server.wait() == 0


def test_the_death_of_the_engine_is_told_to_everybody_and_ends_the_process(
    start_server: StartServer,
) -> None:
    server = start_server("--slots", "1", code=DYING_ENGINE)
    body = {
        "model": NAME,
        "messages": [{"role": "user", "content": "a"}],
        "temperature": 0,
        "stream": True,
    }
    with server.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        events = answer.iter_lines()
        next(events)
        queued = in_background(server.chat)
        rest = [line for line in events if line]
    assert '"code":"engine_failed"' in rest[-1]
    assert "[DONE]" not in rest[-1]
    assert queued.result().status_code == 500
    assert queued.result().json()["error"]["code"] == "engine_failed"
    assert server.wait() == 1
    lines = [line for line in server.log() if line["event"] == "the engine thread died"]
    assert lines[0]["error"] == "MemoryError"


def test_the_probe_tells_ready_from_not(server: ServerProcess) -> None:
    def probe(*arguments: str) -> int:
        command = [sys.executable, "-m", "onnx_server.probe", *arguments]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert probe(f"{server.url}/ready") == 0
    assert probe(f"{server.url}/nowhere") == 1
    assert probe(f"http://127.0.0.1:{free_port()}/ready") == 1
    assert probe("ftp://127.0.0.1/") == 2
    assert probe() == 2


def test_a_port_in_use_is_refused_with_exit_code_3(server: ServerProcess, tiny_model: Path) -> None:
    second = ServerProcess(tiny_model, ("--port", str(server.port)))
    assert second.wait() == 3
    assert "choose another --port" in second.output()
    second.stop()
