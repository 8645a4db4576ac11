"""What the access log tells about usage: streams that end early, tokens in comments, births of counters."""

import contextlib
import json

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig, key_of, until

pytestmark = pytest.mark.docker


def test_a_stream_that_breaks_off_or_is_left_is_logged_with_the_events_that_passed(
    gateway: GatewayRig,
) -> None:
    plan = {"chunks": 5, "die": "mid_body"}
    request_id = "broken-off-stream"
    with contextlib.suppress(httpx.RemoteProtocolError):
        gateway.call({"model": "free", "stream": True, "stub": plan}, headers={"X-Request-Id": request_id})
    entry = gateway.entry(request_id)
    assert (entry["events"], entry["ended"], entry["completion_tokens"]) == (1, False, -1)
    plan = {"chunks": 50, "interval_s": 0.2}
    headers = {"Authorization": f"Bearer {key_of('alice')}", "X-Request-Id": "left-stream"}
    body = {"model": "free", "stream": True, "stub": plan}
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as stream:
        seen = sum(1 for line, _ in zip(filter(None, stream.iter_lines()), range(3), strict=False) if line)
    entry = gateway.entry("left-stream")
    assert seen == 3
    assert seen <= entry["events"] <= seen + 2
    assert (entry["ended"], entry["completion_tokens"], entry["termination"][0]) == (False, -1, "C")


def test_tokens_that_a_comment_tells_are_logged(gateway: GatewayRig) -> None:
    usage = {"usage": {"prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25}}
    events = 'data: {"choices":[]}\n\n' * 4
    sent = f": {json.dumps(usage)}\n\n{events}data: [DONE]\n\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(sent)}\r\n\r\n"
    answer = gateway.call({"model": "free", "stream": True, "stub": {"raw": head + sent}})
    entry = gateway.entry(answer.headers["x-request-id"])
    assert answer.text == sent
    assert (entry["prompt_tokens"], entry["completion_tokens"], entry["events"]) == (21, 4, 4)


def test_counters_are_told_to_begin_at_0_before_the_first_request_and_at_each_reload(
    gateway: GatewayRig,
) -> None:
    def births() -> list[dict[str, str]]:
        return [json.loads(line) for line in gateway.output().splitlines() if '"usage_start"' in line]

    told = births()
    for key, model in (("alice", "tiny"), ("alice", "wide"), ("bob", "tiny"), ("five", "free")):
        assert {"event": "usage_start", "key_id": key, "model": model, "served_by": model} in told
    assert not any(each["key_id"] == "bob" and each["model"] == "free" for each in told)
    gateway.write_config()
    assert until(lambda: len(births()) == 2 * len(told))


def test_usage_is_counted_and_reaches_only_the_client_that_asked_for_it(gateway: GatewayRig) -> None:
    for options, told in (({}, False), ({"stream_options": {"include_usage": True}}, True)):
        answer = gateway.call({"model": "free", "stream": True, "stub": {"chunks": 6}, **options})
        entry = gateway.entry(answer.headers["x-request-id"])
        assert (entry["prompt_tokens"], entry["completion_tokens"], entry["ended"]) == (5, 3, True)
        assert ('"prompt_tokens"' in answer.text) is told
        assert answer.text.count('"delta"') == 6
        assert answer.text.endswith("data: [DONE]\n\n")
