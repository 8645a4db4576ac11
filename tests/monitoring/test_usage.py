"""Usage by key: what the collector counts is what the clients of a real gateway saw, to the token."""

import contextlib
import json

import httpx
import pytest

from monitoring.outcomes import Outcome
from tests.docker.gateway_parts import until
from tests.docker.gateway_rig import GatewayRig, key_of
from tests.monitoring.collector_rig import Collector, total
from tests.monitoring.usage_rig import GRANTS, PRICE, collector, counts, gateway

pytestmark = pytest.mark.docker
__all__ = ["collector", "gateway"]

ASKING = {"stream_options": {"include_usage": True}}


def test_counters_are_there_and_0_before_the_first_request(gateway: GatewayRig, collector: Collector) -> None:
    of = {"key_id": "bob", "model": "tiny", "served_by": "tiny"}
    assert gateway.run("gateway-probe")[0] == 0
    assert until(lambda: 'key_id="bob"' in str(collector.counters()))
    for outcome in Outcome:
        counts(collector, "slm_requests_total", 0, **of, outcome=outcome.value)
    for name in ("slm_prompt_tokens_total", "slm_completion_tokens_total", "slm_request_milliseconds_total"):
        counts(collector, name, 0, **of)
    for name in ("slm_first_byte_seconds", "slm_request_seconds"):
        for bound in ("0.05", "3.5", "5", "160", "+Inf"):
            counts(collector, f"{name}_bucket", 0, model="wide", le=bound)
        counts(collector, f"{name}_count", 0, model="wide")
    counts(collector, "slm_held_requests_total", 0, model="late")
    counts(collector, "slm_refusals_total", 0, error="rate_limit_exceeded")
    counts(collector, "slm_usd_total", 0, key_id="bob", model="free", served_by="free")
    assert 'slm_usd_total{key_id="bob",model="tiny"' not in str(collector.counters())


def test_tokens_of_two_keys_are_those_that_their_answers_told(
    gateway: GatewayRig, collector: Collector
) -> None:
    told = {"alice": [0, 0], "bob": [0, 0]}
    for key, model, plain, streamed in (("alice", "free", 3, 2), ("bob", "free", 1, 4)):
        for _ in range(plain):
            usage = gateway.call({"model": model}, key=key).json()["usage"]
            told[key][0] += usage["prompt_tokens"]
            told[key][1] += usage["completion_tokens"]
        for _ in range(streamed):
            answer = gateway.call({"model": model, "stream": True, **ASKING}, key=key)
            events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
            usage = next(found for event in events if (found := json.loads(event)["usage"]))
            told[key][0] += usage["prompt_tokens"]
            told[key][1] += usage["completion_tokens"]
    assert told["alice"] != told["bob"]
    for key, (prompt, completion) in told.items():
        counts(collector, "slm_requests_total", 5, key_id=key, model="free", outcome="ok")
        counts(collector, "slm_prompt_tokens_total", prompt, key_id=key, model="free")
        counts(collector, "slm_completion_tokens_total", completion, key_id=key, model="free")
        assert total(collector.counters(), "slm_request_milliseconds_total", key_id=key, model="free") > 0
        usd = (prompt * PRICE.prompt + completion * PRICE.completion) / 1e6
        counts(collector, "slm_usd_total", usd, key_id=key, model="free", served_by="free")


def test_a_first_token_is_that_of_a_stream(gateway: GatewayRig, collector: Collector) -> None:
    names = ("slm_first_byte_seconds_count", "slm_request_seconds_count")

    def seen() -> list[float]:
        return [total(collector.counters(), name, model="free") for name in names]

    for path, stream, grown in (
        ("/v1/chat/completions", True, [1, 1]),
        ("/v1/completions", True, [1, 1]),
        ("/v1/chat/completions", False, [0, 1]),
        ("/v1/embeddings", True, [0, 1]),
    ):
        before = seen()
        assert gateway.call({"model": "free", "stream": stream}, path=path).status_code == 200
        expected = [old + more for old, more in zip(before, grown, strict=True)]
        for name, value in zip(names, expected, strict=True):
            counts(collector, name, value, model="free")
    counts(collector, "slm_first_byte_seconds_bucket", seen()[0], model="free", le="5")


def test_each_way_to_fail_has_its_outcome(gateway: GatewayRig, collector: Collector) -> None:
    for _ in range(4):
        gateway.call({"model": "free"}, key="five")
    counts(collector, "slm_requests_total", 2, key_id="five", model="free", outcome="ok")
    counts(collector, "slm_requests_total", 2, key_id="five", model="free", outcome="limited")
    counts(collector, "slm_refusals_total", 2, error="rate_limit_exceeded")
    gateway.call({"model": "made-up-by-a-client"}, key="bob")
    gateway.call({"model": "tiny"}, key=None)
    counts(collector, "slm_requests_total", 1, key_id="bob", model="unknown", outcome="refused")
    counts(collector, "slm_requests_total", 1, key_id="none", model="unknown", outcome="refused")
    assert "made-up-by-a-client" not in str(collector.counters())
    gateway.call({"model": "late"})
    counts(collector, "slm_requests_total", 1, key_id="alice", model="late", outcome="overloaded")
    counts(collector, "slm_held_requests_total", 1, model="late")
    busy = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
    assert gateway.call({"model": "cloud", "stub": {"raw": busy}}).status_code == 429
    counts(collector, "slm_requests_total", 1, key_id="alice", model="cloud", outcome="overloaded")
    counts(collector, "slm_requests_total", 0, key_id="alice", model="cloud", outcome="limited")
    counts(collector, "slm_refusals_total", 1, error="endpoint_limited")
    gateway.call({"model": "tiny", "stub": {"die": "before_headers"}})
    counts(collector, "slm_requests_total", 1, key_id="alice", model="tiny", outcome="failed")


def test_a_stream_that_breaks_off_or_is_left_counts_the_events_that_passed(
    gateway: GatewayRig, collector: Collector
) -> None:
    broken = {"model": "tiny", "stream": True, "stub": {"chunks": 5, "interval_s": 0.1, "die": "mid_body"}}
    with contextlib.suppress(httpx.RemoteProtocolError):
        gateway.call(broken, key="bob")
    counts(collector, "slm_requests_total", 1, key_id="bob", model="tiny", outcome="failed")
    counts(collector, "slm_completion_tokens_total", 1, key_id="bob", model="tiny")
    headers = {"Authorization": f"Bearer {key_of('alice')}", "X-Request-Id": "left-by-alice"}
    body = {"model": "tiny", "stream": True, "stub": {"chunks": 50, "interval_s": 0.2}}
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as stream:
        assert len([line for line, _ in zip(stream.iter_lines(), range(6), strict=False) if line]) == 3
    passed = gateway.entry("left-by-alice")["events"]
    assert passed >= 3
    counts(collector, "slm_requests_total", 1, key_id="alice", model="tiny", outcome="cancelled")
    counts(collector, "slm_completion_tokens_total", passed, key_id="alice", model="tiny")


def test_a_client_that_leaves_at_the_last_event_was_answered(
    gateway: GatewayRig, collector: Collector
) -> None:
    before = total(collector.counters(), "slm_requests_total", key_id="alice", outcome="ok", model="free")
    headers = {"Authorization": f"Bearer {key_of('alice')}"}
    body = {"model": "free", "stream": True}
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as stream:
        assert any(line == "data: [DONE]" for line in stream.iter_lines())
    counts(collector, "slm_requests_total", before + 1, key_id="alice", outcome="ok", model="free")


def test_neither_key_nor_prompt_nor_answer_reaches_the_store(
    gateway: GatewayRig, collector: Collector
) -> None:
    prompt, answer = "marker-in-a-prompt", "marker-in-an-answer"
    body = {"model": "free", "messages": [{"role": "user", "content": prompt}], "stub": {"text": answer}}
    assert answer in gateway.call(body).text
    # A request id is what a client made up: also a key.
    gateway.call(body, headers={"X-Request-Id": key_of("alice")})
    gateway.call(body, key="bob", headers={"X-Request-Id": "end-of-markers"})
    assert collector.store.got("end-of-markers")
    said = collector.container.logs()
    for secret in (prompt, answer, *(key_of(grant.id) for grant in GRANTS)):
        assert secret.encode() not in collector.store.kept + said + str(collector.counters()).encode()
