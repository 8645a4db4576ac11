"""How answers come through: streams, engines that die, clients that leave."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig, StubEngine, key_of, until

pytestmark = pytest.mark.docker


def body(model: str, *, stream: bool = False, **plan: Any) -> dict[str, Any]:
    return {"model": model, "stream": stream, "stub": plan}


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def arrivals(gateway: GatewayRig, request: dict[str, Any]) -> Iterator[tuple[float, str]]:
    """When each piece of a streamed answer arrived, and the piece."""
    headers = {"Authorization": f"Bearer {key_of('alice')}"}
    url = f"{gateway.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=request, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        for piece in answer.iter_text():
            yield time.monotonic(), piece


def test_a_streamed_chunk_arrives_before_the_next_one_is_sent(gateway: GatewayRig) -> None:
    pieces = list(arrivals(gateway, body("free", stream=True, chunks=4, interval_s=0.5)))
    first = next(at for at, piece in pieces if "t0" in piece)
    last = next(at for at, piece in pieces if "t3" in piece)
    assert last - first > 1.2
    assert "".join(piece for _, piece in pieces).endswith("data: [DONE]\n\n")


def test_a_long_wait_for_an_answer_outlasts_the_client_timeout(gateway: GatewayRig) -> None:
    wait_s = gateway.limits.client_timeout_s + 2
    assert gateway.call(body("free", delay_s=wait_s)).status_code == 200
    slow_start = list(arrivals(gateway, body("free", stream=True, token_delay_s=wait_s)))
    assert "t2" in "".join(piece for _, piece in slow_start)


def test_a_large_answer_passes_whole(gateway: GatewayRig) -> None:
    size = 5_000_000
    answer = gateway.call(body("free", bytes=size))
    assert len(answer.json()["choices"][0]["message"]["content"]) == size


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("moment", ["before_headers", "before_body"])
def test_an_engine_that_dies_before_its_answer_starts_gives_503(
    gateway: GatewayRig, moment: str, stream: bool
) -> None:
    with httpx.Client() as client:
        # A kept connection: the second request is the one that HAProxy could drop without a word.
        assert gateway.call(body("free"), client=client).status_code == 200
        for _ in range(2):
            answer = gateway.call(body("free", stream=stream, die=moment, token_delay_s=0.2), client=client)
            assert answer.status_code == 503
            assert code_of(answer) == "engine_failed"
            assert int(answer.headers["retry-after"]) > 0
    entry = gateway.entry(answer.headers["x-request-id"])
    assert (entry["status"], entry["error"]) == (503, "engine_failed")


def test_a_stream_that_breaks_off_is_not_ended_as_if_it_were_whole(gateway: GatewayRig) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        list(arrivals(gateway, body("free", stream=True, die="mid_body", interval_s=0.1)))


@pytest.mark.parametrize(
    "plan",
    [{"token_delay_s": 20}, {"chunks": 100, "interval_s": 0.2}, {"delay_s": 20}],
    ids=["before the first token", "between tokens", "before the headers"],
)
def test_the_engine_is_told_when_a_client_leaves(
    gateway: GatewayRig, engine: StubEngine, plan: dict[str, float]
) -> None:
    engine.clear()
    with pytest.raises(httpx.ReadTimeout):
        gateway.call(body("free", stream=True, **plan), timeout=0.1 if "chunks" in plan else 1)
    assert until(lambda: engine.log()[-1]["aborted"] is True, 5)


def test_an_engine_killed_under_load_costs_503_with_retry_after_and_nothing_else(
    gateway: GatewayRig,
) -> None:
    late = gateway.engine("late-engine")
    gateway.wait_until_up("late")
    stop, answers, lock = threading.Event(), list[httpx.Response](), threading.Lock()

    def load() -> None:
        with httpx.Client() as client:
            while not stop.is_set():
                answer = gateway.call(body("late", delay_s=0.05), client=client)
                with lock:
                    answers.append(answer)

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(load) for _ in range(4)]
        time.sleep(1)
        late.container.kill("SIGKILL")
        time.sleep(2)
        late.container.start()
        time.sleep(5)
        stop.set()
        for worker in workers:
            worker.result()
    failed = [answer for answer in answers if answer.status_code != 200]
    assert failed
    for answer in failed:
        assert answer.status_code == 503
        assert code_of(answer) in {"engine_failed", "model_starting", "overloaded", "queue_full"}
        assert int(answer.headers["retry-after"]) > 0
    assert answers[-1].status_code == 200
    late.container.remove(force=True)
