"""More requests than slots, clients that leave, an engine that stops: vLLM's stand-in behind the gateway."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.docker.gateway_parts import until
from tests.docker.gateway_rig import GatewayRig, key_of
from tests.docker.vllm_rig import MODEL, QUESTION, SLOTS, VllmEngine, serve, workload

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def vllm(rig: GatewayRig) -> VllmEngine:
    return serve(rig)


def test_no_more_requests_reach_it_than_it_has_slots(rig: GatewayRig, vllm: VllmEngine) -> None:
    vllm.clear()
    before = vllm.metrics()
    body = {"model": MODEL, "messages": QUESTION, "max_tokens": 20, "ignore_eos": True}
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(rig.call, body) for _ in range(6)]
        assert until(lambda: vllm.metrics()["vllm:num_requests_running"] == SLOTS, 3)
        during = vllm.metrics()
        answers = [future.result() for future in sent]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert vllm.peak() == SLOTS
    assert during["vllm:num_requests_waiting"] == 0
    after = vllm.metrics()
    assert after["vllm:num_requests_running"] == 0
    for name, amount in (
        ("vllm:generation_tokens_total", 120),
        ("vllm:prompt_tokens_total", 36),
        ("vllm:request_success_total:length", 6),
        ("vllm:time_to_first_token_seconds_count", 6),
        ("vllm:inter_token_latency_seconds_count", 114),
    ):
        assert after[name] - before[name] == amount, name


def test_a_client_that_leaves_ends_its_request(rig: GatewayRig, vllm: VllmEngine) -> None:
    before = vllm.metrics()["vllm:request_success_total:abort"]
    body: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "stream": True, "ignore_eos": True}
    headers = {"Authorization": f"Bearer {key_of('alice')}"}
    url = f"{rig.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=10) as stream:
        next(stream.iter_lines())
    assert until(lambda: vllm.metrics()["vllm:request_success_total:abort"] == before + 1)


def test_an_answer_under_way_is_finished_when_the_engine_is_stopped(
    rig: GatewayRig, vllm: VllmEngine
) -> None:
    body = {"model": MODEL, "messages": QUESTION, "max_tokens": 100, "ignore_eos": True}
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(rig.call, body)
        assert until(lambda: vllm.metrics()["vllm:num_requests_running"] == 1, 3)
        vllm.container.stop(timeout=workload().drain_seconds)
        answer = sent.result()
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] == 100
    assert vllm.container.wait()["StatusCode"] == 0
    rig.wait_until_up(MODEL, 0)
    gone = rig.call({"model": MODEL, "messages": QUESTION})
    assert (gone.status_code, gone.json()["error"]["code"]) == (503, "model_starting")
    assert int(gone.headers["retry-after"]) > 0
