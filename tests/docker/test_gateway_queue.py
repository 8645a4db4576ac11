"""Who waits, how long, and where it goes: slots, queue, models that start, replicas."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig, StubEngine

pytestmark = pytest.mark.docker


def body(model: str, *, stream: bool = False, **plan: Any) -> dict[str, Any]:
    return {"model": model, "stream": stream, "stub": plan}


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_requests_beyond_the_slots_wait_and_beyond_the_queue_get_503_at_once(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    engine.clear()
    with ThreadPoolExecutor(7) as pool:
        asked = time.monotonic()
        sent = []
        for _ in range(7):
            sent.append(pool.submit(gateway.call, body("tiny", delay_s=1)))
            time.sleep(0.05)
        answers = [future.result() for future in sent]
    assert time.monotonic() - asked < 10
    assert [answer.status_code for answer in answers] == [200] * 4 + [503] * 3
    for answer in answers[4:]:
        assert code_of(answer) == "queue_full"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.elapsed.total_seconds() < 0.9
    assert engine.peak() == 2
    waited = [gateway.entry(a.headers["x-request-id"])["queue_ms"] for a in answers[:4]]
    assert waited[0] < 500 < waited[2]


def test_a_wait_in_the_queue_ends_with_503_and_retry_after(gateway: GatewayRig) -> None:
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(gateway.call, body("tiny", delay_s=4)) for _ in range(2)]
        time.sleep(0.3)
        waiting = gateway.call(body("tiny"))
        assert [future.result().status_code for future in sent] == [200, 200]
    assert waiting.status_code == 503
    assert code_of(waiting) == "overloaded"
    assert int(waiting.headers["retry-after"]) > 0
    assert 1.5 < waiting.elapsed.total_seconds() < 3.5


def test_a_request_for_a_model_that_starts_is_held_and_then_answered(gateway: GatewayRig) -> None:
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(gateway.call, body("late"))
        time.sleep(1)
        assert not held.done()
        assert gateway.gauge("haproxy_backend_current_sessions", "late") == 1
        assert gateway.gauge("haproxy_backend_active_servers", "late") == 0
        late = gateway.engine("late-engine")
        answer = held.result()
    assert answer.status_code == 200, answer.text
    assert gateway.entry(answer.headers["x-request-id"])["hold_ms"] > 500
    late.container.remove(force=True)


def test_a_model_that_does_not_start_gets_503_within_the_hold_bound(gateway: GatewayRig) -> None:
    gateway.wait_until_up("late", 0)
    with ThreadPoolExecutor(4) as pool:
        sent = []
        for _ in range(4):
            sent.append(pool.submit(gateway.call, body("late")))
            time.sleep(0.2)
        answers = [future.result() for future in sent]
    assert [code_of(answer) for answer in answers] == ["model_starting"] * 2 + ["queue_full"] * 2
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert 4.5 < answers[0].elapsed.total_seconds() < 7
    assert answers[2].elapsed.total_seconds() < 1


def test_an_engine_that_is_there_but_not_ready_gets_no_request(gateway: GatewayRig) -> None:
    late = gateway.engine("late-engine", ready=False)
    time.sleep(4)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(gateway.call, body("late"))
        time.sleep(1)
        assert late.log() == []
        late.ready(True)
        assert held.result().status_code == 200
    late.container.remove(force=True)
    gateway.wait_until_up("late", 0)


def test_a_client_that_leaves_the_queue_never_reaches_the_engine(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    engine.clear()
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(gateway.call, body("tiny", delay_s=1.5)) for _ in range(2)]
        time.sleep(0.3)
        with pytest.raises(httpx.ReadTimeout):
            gateway.call(body("tiny"), timeout=0.5)
        assert [future.result().status_code for future in sent] == [200, 200]
    time.sleep(0.5)
    assert len(engine.log()) == 2


def test_equal_prompt_beginnings_meet_one_replica_and_a_hot_one_spills(
    gateway: GatewayRig,
) -> None:
    def replica(prompt: str, delay_s: float = 0) -> str:
        # The one before has left its replica's count: bounded load would send this one on.
        time.sleep(0.05)
        messages = [{"role": "user", "content": prompt}]
        answer = gateway.call({**body("wide", delay_s=delay_s), "messages": messages})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["message"]["content"])

    for number in range(3):
        gateway.engine("pool")
        gateway.wait_until_up("wide", number + 1)
    prompts = [f"{number} " + "words " * 20 for number in range(20)]
    first = [replica(prompt) for prompt in prompts]
    assert [replica(prompt) for prompt in prompts] == first
    assert len(set(first)) == 3
    before = dict(zip(prompts, first, strict=True))
    gateway.engine("pool")
    gateway.wait_until_up("wide", 4)
    moved = [prompt for prompt in prompts if replica(prompt) != before[prompt]]
    assert len(moved) <= len(prompts) // 2
    with ThreadPoolExecutor(12) as pool:
        hot = list(pool.map(lambda _: replica(prompts[0], 1), range(12)))
    assert len(set(hot)) > 1
