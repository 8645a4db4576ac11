"""What operators see: the access log."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig, key_of, until

pytestmark = pytest.mark.docker

FIELDS = {
    "time",
    "request_id",
    "client",
    "key_id",
    "model",
    "served_by",
    "method",
    "path",
    "status",
    "error",
    "stream",
    "replica",
    "hold_ms",
    "queue_ms",
    "first_byte_ms",
    "total_ms",
    "prompt_tokens",
    "completion_tokens",
    "events",
    "ended",
    "bytes",
    "termination",
}


def logged(gateway: GatewayRig, answer: httpx.Response) -> dict[str, Any]:
    return gateway.entry(answer.headers["x-request-id"])


def test_an_answer_is_logged_with_key_model_times_and_tokens(gateway: GatewayRig) -> None:
    plan = {"delay_s": 0.3}
    entry = logged(gateway, gateway.call({"model": "free", "stub": plan}, key="five"))
    assert set(entry) == FIELDS
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,9}Z", entry["time"])
    assert (entry["key_id"], entry["model"], entry["status"]) == ("five", "free", 200)
    assert entry["served_by"] == "free"
    assert (entry["method"], entry["path"]) == ("POST", "/v1/chat/completions")
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (7, 11)
    assert (entry["stream"], entry["error"], entry["replica"]) == (False, "", "r1")
    assert 0 <= entry["queue_ms"] < 300 <= entry["first_byte_ms"] <= entry["total_ms"] + 5


@pytest.mark.parametrize("split", [False, True])
def test_a_streams_first_byte_and_last_usage_are_logged(gateway: GatewayRig, split: bool) -> None:
    plan = {"token_delay_s": 0.4, "chunks": 3, "interval_s": 0.2, "split_usage": split}
    entry = logged(gateway, gateway.call({"model": "free", "stream": True, "stub": plan}))
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (5, 3)
    assert (entry["stream"], entry["events"], entry["ended"]) == (True, 4, True)
    assert 350 < entry["first_byte_ms"] < 700 < entry["total_ms"]


@pytest.mark.parametrize(("before", "behind"), [(300_000, 0), (0, 300_000), (65_400, 100_000)])
def test_usage_is_found_wherever_a_large_answer_has_it(gateway: GatewayRig, before: int, behind: int) -> None:
    entry = logged(gateway, gateway.call({"model": "free", "stub": {"bytes": before, "behind": behind}}))
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (7, 11)


def test_a_first_byte_is_not_late_because_the_request_was(gateway: GatewayRig) -> None:
    def slowly() -> Iterator[bytes]:
        yield b'{"model":"free",'
        time.sleep(1.2)
        yield b'"messages":[]}'

    url, headers = f"{gateway.url}/v1/chat/completions", {"Authorization": f"Bearer {key_of('five')}"}
    entry = logged(gateway, httpx.post(url, content=slowly(), headers=headers))
    assert entry["first_byte_ms"] < 1000 < entry["total_ms"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/embeddings", 400, "answer_not_json"), ("/v1/chat/completions", 503, "engine_failed")],
)
def test_an_answer_whose_usage_could_not_be_read_is_refused(
    gateway: GatewayRig, path: str, status: int, code: str
) -> None:
    plan = {"type": "application/octet-stream", "bytes": 500}
    answer = gateway.call({"model": "free", "stub": plan}, path=path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "xxx" not in answer.text


def test_a_text_full_of_what_looks_like_events_holds_nobody_up(gateway: GatewayRig) -> None:
    event = 'data: {"choices":[{"text":"' + "data: {" * 8500 + '"}],"usage":null}\n\n'
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = f"{head}{len(event):x}\r\n{event}\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    entry = logged(gateway, gateway.call({"model": "free", "stream": True, "stub": {"raw": raw}}))
    assert (entry["events"], entry["ended"]) == (1, True)
    # It was ten seconds where each of them was searched from.
    assert entry["total_ms"] < 3000


def test_a_first_byte_is_as_late_as_it_was_also_behind_a_pause_of_the_gateway(gateway: GatewayRig) -> None:
    assert gateway.gateway is not None
    gateway.gateway.pause()
    time.sleep(3)
    gateway.gateway.unpause()
    entry = logged(gateway, gateway.call({"model": "free", "stub": {"delay_s": 0.3}}))
    assert 300 <= entry["first_byte_ms"] <= entry["total_ms"] + 5


def test_a_refusal_is_logged_with_its_code_and_without_numbers_that_do_not_exist(
    gateway: GatewayRig,
) -> None:
    entry = logged(gateway, gateway.call({"model": "nope"}, key="bob"))
    assert (entry["status"], entry["error"], entry["model"]) == (404, "model_not_found", "nope")
    assert entry["prompt_tokens"] == -1
    assert entry["first_byte_ms"] == -1
    entry = logged(gateway, gateway.call({"model": "free"}, key=None))
    assert (entry["status"], entry["error"], entry["key_id"]) == (401, "invalid_api_key", "")


def test_neither_key_nor_prompt_nor_answer_nor_query_is_in_any_output(gateway: GatewayRig) -> None:
    secret = "the-prompt-nobody-may-read"
    ask: dict[str, Any] = {"model": "free", "messages": [{"role": "user", "content": secret}]}
    ask["stub"] = {"text": "xyzzy"}
    answer = gateway.call(ask, path="/v1/chat/completions?api_key=secret-in-query")
    assert "xyzzy" in answer.text
    gateway.call(ask, path="/nope?api_key=secret-in-query")
    gateway.call(b'{"model":"free","x":"' + secret.encode() + b'"', key="bob")
    gateway.call({"model": secret + " with blanks"})
    last = gateway.call(ask, key=None, headers={"Authorization": "Bearer slm-wrong-key"})
    logged(gateway, last)
    said = gateway.output() + gateway.errors()
    for word in (secret, "secret-in-query", "slm-wrong-key", "xyzzy", key_of("alice")):
        assert word not in said
    for line in (gateway.secrets.path / "keys.map").read_text().splitlines()[1:]:
        assert line.split()[0] not in said


def test_every_line_of_the_access_log_is_json_even_for_hostile_requests(
    gateway: GatewayRig,
) -> None:
    key = f"Authorization: Bearer {key_of('alice')}\r\n\r\n".encode()
    gateway.raw(b'GET /"\\\x01\x1b[31m HTTP/1.1\r\nHost: x\r\n' + key, timeout=2)
    gateway.raw('GET /%0a"é HTTP/1.1\r\nHost: "x"\r\n'.encode() + key, timeout=2)
    gateway.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", timeout=1, shut=True)
    logged(gateway, gateway.call(path='/{"a":1}', method="GET"))
    for line in gateway.output().splitlines():
        entry = json.loads(line)
        assert set(entry) == FIELDS or entry["event"] == "usage_start"


@pytest.mark.parametrize("line", ["GET /" + "a" * 20_000, "GET /" + '"' * 5_000, "M" * 9_000 + " /"])
def test_a_request_line_that_is_too_long_for_the_log_is_cut_there(gateway: GatewayRig, line: str) -> None:
    before = len(gateway.access_log())
    fields = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {key_of('alice')}"
    gateway.raw(f"{line} HTTP/1.1\r\n{fields}\r\n\r\n".encode(), timeout=2)
    assert until(lambda: len(gateway.access_log()) > before)
    entry = json.loads(gateway.access_log()[-1])
    assert set(entry) == FIELDS
    assert (entry["status"], entry["error"]) == (404, "unknown_path")
    method, path = line.split(" ")
    assert (entry["method"], entry["path"]) == (method[:32], path[:512])


def test_health_checks_are_not_logged(gateway: GatewayRig) -> None:
    before = gateway.call(path="/v1/models", method="GET")
    gateway.call(path="/healthz", method="GET", key=None)
    after = gateway.call(path="/v1/models", method="GET")
    logged(gateway, before)
    logged(gateway, after)
    assert "/healthz" not in gateway.output()
