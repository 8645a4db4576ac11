"""What a request may look like: sizes, stalls, headers, and what of it the engine sees."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from components.gateway.config import render
from tests.docker.gateway_rig import LIMITS, MIB, GatewayRig, StubEngine, key_of, refused, until

pytestmark = pytest.mark.docker

CHAT = {"model": "free", "messages": [{"role": "user", "content": "hello"}]}


def test_a_body_of_exactly_the_limit_is_served_and_one_byte_more_gets_413(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    frame = len('{"messages":"","model":"free"}')
    exact = b'{"messages":"' + b"x" * (MIB - frame) + b'","model":"free"}'
    assert len(exact) == MIB
    engine.clear()
    assert gateway.call(exact).status_code == 200
    assert [entry["bytes"] for entry in engine.log()] == [MIB]
    refused(gateway.call(exact + b" "), 413, "body_too_large")


def test_the_body_limit_holds_for_a_body_without_a_length(gateway: GatewayRig, engine: StubEngine) -> None:
    def chunked(size: int) -> httpx.Response:
        text = b'{"model":"free","messages":"' + b"x" * (size - 30) + b'"}'
        pieces = (text[at : at + 50_000] for at in range(0, len(text), 50_000))
        headers = {"Authorization": f"Bearer {key_of('alice')}"}
        return httpx.post(f"{gateway.url}/v1/chat/completions", content=pieces, headers=headers, timeout=20)

    engine.clear()
    assert chunked(MIB).status_code == 200
    assert [entry["bytes"] for entry in engine.log()] == [MIB]
    refused(chunked(MIB + 1), 413, "body_too_large")


def test_deep_tool_schemas_are_served(gateway: GatewayRig) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "object", "properties": {"a/b": schema}}
    assert gateway.call({**CHAT, "tools": [schema]}).status_code == 200


def test_what_is_no_http_gets_400_and_the_end_of_its_connection(gateway: GatewayRig) -> None:
    assert gateway.raw(b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_request_that_stalls_gets_408_and_its_connection_ends(gateway: GatewayRig) -> None:
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
    head += f"Authorization: Bearer {key_of('alice')}\r\n"
    assert gateway.raw(head.encode(), timeout=9).startswith(b"HTTP/1.1 408 ")
    started = time.monotonic()
    answer = gateway.raw(f"{head}Content-Length: 100\r\n\r\n{{".encode(), timeout=20)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer
    waits = LIMITS.body_timeout_s + LIMITS.client_timeout_s
    assert time.monotonic() - started < waits + 5


def test_an_engine_sees_neither_the_key_nor_other_client_headers(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    engine.clear()
    sent = {
        "Cookie": "a=b",
        "X-Forwarded-For": "1.2.3.4",
        "Content-Encoding": "gzip",
        "Content-Type": "text/plain; charset=utf-7",
        "Upgrade": "h2c",
        "Connection": "upgrade",
        "X-Request-Id": "client-chosen-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = gateway.call(CHAT, headers=sent, path="/v1/chat/completions?api_key=x")
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "client-chosen-1"
    (entry,) = engine.log()
    assert entry["line"] == "POST /v1/chat/completions HTTP/1.1"
    seen = dict(entry["headers"])
    assert key_of("alice") not in json.dumps(entry)
    assert seen["content-type"] == "application/json"
    assert seen["x-request-id"] == "client-chosen-1"
    assert seen["traceparent"] == sent["traceparent"]
    assert seen["host"] == "engine:8000"
    assert not {"cookie", "authorization", "x-forwarded-for", "content-encoding", "upgrade"} & set(seen)


@pytest.mark.parametrize("announced", [True, False])
def test_trailers_reach_no_engine(gateway: GatewayRig, engine: StubEngine, announced: bool) -> None:
    engine.clear()
    half, rest = b'{"model":"free",', b'"messages":[]}'
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += "Connection: close\r\n"
    head += f"Authorization: Bearer {key_of('alice')}\r\n" + "Trailer: api-key\r\n" * announced + "\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (half, rest))
    for trailers in (b"api-key: smuggled\r\n", b"Cookie: smuggled\r\n" * 2, b"x:\r\n", b"a: b\r\n" * 60):
        answer = gateway.raw(head.encode() + chunks + b"0\r\n" + trailers + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"trailers_not_allowed" in answer
    assert engine.log() == []
    assert gateway.raw(head.encode() + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    (entry,) = engine.log()
    assert entry["bytes"] == len(half + rest)


@pytest.mark.parametrize("wish", ["short", "a" * 65, "white space", 'quote"quote', "a/b/c/d/e"])
def test_a_request_id_that_is_not_sane_is_replaced(gateway: GatewayRig, wish: str) -> None:
    answer = gateway.call(path="/v1/models", method="GET", headers={"X-Request-Id": wish})
    assert answer.headers["x-request-id"] != wish
    assert len(answer.headers["x-request-id"]) == 36


def test_many_large_bodies_at_once_are_all_read(gateway: GatewayRig) -> None:
    large = b'{"model":"free","messages":"' + b"\\n" * 500_000 + b'"}'
    with ThreadPoolExecutor(48) as pool:
        answers = list(pool.map(lambda _: gateway.call(large, timeout=60), range(48)))
    assert {answer.status_code for answer in answers} == {200}
    assert "out of memory" not in gateway.errors()


def test_a_body_that_the_scanner_gives_up_on_is_not_an_unknown_model(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    good = render(gateway.routes, gateway.grants, gateway.limits)
    memory = f"tune.lua.maxmem {gateway.limits.lua_memory_mib}\n"
    assert memory in good["haproxy.cfg"]
    gateway.config.switch({**good, "haproxy.cfg": good["haproxy.cfg"].replace(memory, "tune.lua.maxmem 1\n")})
    large = b'{"model":"free","messages":"' + b"x" * 1_000_000 + b'"}'
    assert until(lambda: gateway.call(large).status_code == 503)
    engine.clear()
    refused(gateway.call(large), 503, "gateway_busy")
    assert engine.log() == []
    gateway.write_config()
    assert until(lambda: gateway.call(large).status_code == 200)
