"""Hostile bytes. The judge is the engine's own log: only an allowlisted request may ever be in it."""

import json
import re

import pytest

from tests.docker.gateway_rig import GatewayRig, StubEngine, key_of

pytestmark = pytest.mark.docker

BODY = b'{"model":"free"}'
PATH = "/v1/chat/completions"
ALICE = f"Authorization: Bearer {key_of('alice')}\r\n"
INNER = f"POST /metrics HTTP/1.1\r\nHost: x\r\n{ALICE}Content-Length: 0\r\n\r\n".encode()
ALLOWED_LINE = re.compile(r"POST /v1/(chat/completions|completions|embeddings) HTTP/1\.[01]")


def request(target: str = PATH, fields: str = "", body: bytes = BODY, *, method: str = "POST") -> bytes:
    """A request of alice's, sized by its length unless ``fields`` say otherwise."""
    sized = re.search(r"content-length|transfer-encoding", fields, re.IGNORECASE) is not None
    size = "" if sized else f"Content-Length: {len(body)}\r\n"
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n{ALICE}{fields}{size}\r\n"
    return head.encode("latin-1") + body


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", answer, re.MULTILINE)]


def judged(gateway: GatewayRig, engine: StubEngine, data: bytes) -> tuple[list[int], list[str]]:
    """Statuses of the answers, and the request lines that reached the engine, each of them allowed."""
    engine.clear()
    answer = gateway.raw(data, timeout=0.7)
    reached = engine.log()
    for entry in reached:
        assert ALLOWED_LINE.fullmatch(entry["line"]), entry
        names = [name for name, _ in entry["headers"]]
        assert len(names) == len(set(names)), entry
        assert not {"content-length", "transfer-encoding"} <= set(names), entry
        assert key_of("alice") not in json.dumps(entry)
    return statuses(answer), [entry["line"] for entry in reached]


def chunked(body: bytes = BODY, end: bytes = b"\r\n") -> bytes:
    return f"{len(body):x}".encode() + end + body + end + b"0" + end + end


def with_chunks(fields: str, body: bytes | None = None) -> bytes:
    """A request that claims chunks in some way, with a forbidden one behind it."""
    return request(fields=f"{fields}\r\n", body=(chunked() if body is None else body) + INNER)


def with_length(*values: str) -> bytes:
    """A request with these Content-Length headers, with a forbidden one behind it."""
    fields = "".join(f"Content-Length: {value}\r\n" for value in values)
    return request(fields=fields, body=BODY + INNER)


TE = "Transfer-Encoding: chunked"
LENGTH = str(len(BODY))
SMUGGLING = {
    "length and chunks": with_chunks(f"Content-Length: 6\r\n{TE}"),
    "chunks and length": with_chunks(f"{TE}\r\nContent-Length: 400"),
    "two lengths": with_length(LENGTH, "400"),
    "two lengths in one": with_length(f"{LENGTH}, 400"),
    "signed length": with_length(f"+{LENGTH}"),
    "hex length": with_length("0x10"),
    "negative length": with_length("-1"),
    "blank before the colon": with_chunks("Transfer-Encoding : chunked"),
    "xchunked": with_chunks("Transfer-Encoding: xchunked"),
    "chunked twice": with_chunks(f"{TE}, chunked"),
    "identity, chunked": with_chunks(f"Transfer-Encoding: identity\r\n{TE}"),
    "chunked, identity": with_chunks(f"{TE}, identity"),
    "vertical tab": with_chunks("Transfer-Encoding: \x0bchunked"),
    "folded": with_chunks("Transfer-Encoding:\r\n chunked"),
    "quoted": with_chunks('Transfer-Encoding: "chunked"'),
    "bare LF chunks": with_chunks(TE, chunked(end=b"\n")),
    "chunk size overflow": with_chunks(TE, b"fffffffffffffffff0\r\n" + BODY),
    "negative chunk": with_chunks(TE, b"-10\r\n" + BODY),
    "hex prefix chunk": with_chunks(TE, b"0x10\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF in chunk extension": with_chunks(TE, b"10;a=\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailers": with_chunks(TE, chunked()[:-2] + b"Content-Length: 5\r\nHost: y\r\n\r\n"),
    "HTTP/1.0 with chunks": with_chunks(TE).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "bare CR in header": request(fields="X: a\rTransfer-Encoding: chunked\r\n"),
    "NUL in header": request(fields="X: a\0b\r\n"),
    "NUL in name": request(fields="X\0Y: a\r\n"),
    "two hosts": request(fields="Host: other\r\n") + INNER,
    "HTTP/0.9": b"POST /v1/chat/completions\r\n\r\n" + INNER,
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "upgrade to h2c": request(
        fields="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAA\r\n"
    )
    + INNER,
    "upgrade to websocket": request(
        fields="Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
    )
    + INNER,
    "expect": request(fields="Expect: 100-continue\r\n") + INNER,
    "500 headers": request(fields="".join(f"X-{n}: y\r\n" for n in range(500))),
    "1.2 MB header": request(fields=f"X: {'y' * 1_200_000}\r\n"),
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    "body on a list": request("/v1/models", body=INNER, method="GET"),
    "pipelined": request() + INNER + request("/v1/../metrics", body=b"", method="GET"),
}


@pytest.mark.parametrize("data", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_no_trick_with_lengths_and_headers_smuggles_a_request_to_the_engine(
    gateway: GatewayRig, engine: StubEngine, data: bytes
) -> None:
    answered, reached = judged(gateway, engine, data)
    assert len(reached) <= 1
    assert all(status in range(100, 505) for status in answered)


def test_the_judge_sees_a_request_that_is_allowed(gateway: GatewayRig, engine: StubEngine) -> None:
    answered, reached = judged(gateway, engine, request())
    assert (answered, reached) == ([200], [f"POST {PATH} HTTP/1.1"])
    fields = "Transfer-Encoding: chunked\r\n"
    answered, reached = judged(gateway, engine, request(fields=fields, body=chunked()))
    assert (answered, reached) == ([200], [f"POST {PATH} HTTP/1.1"])


@pytest.mark.parametrize(
    "target",
    [
        "/metrics",
        "/v1/../metrics",
        "/v1/./chat/completions",
        "/v1/chat/../../metrics",
        "/v1/chat/completions/../../../metrics",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/v1/chat/completions/x",
        "/v1/chat/completions;x=/metrics",
        "/v1/chat/completions%00",
        "/v1/chat/completions%2e",
        "/v1/chat%2fcompletions",
        "/v1/%63hat/completions",
        "/v1/%2e%2e/metrics",
        "/%76%31/chat/completions",
        "/V1/chat/completions",
        "/v1/Chat/Completions",
        "\\v1\\chat\\completions",
        "/v1/chat\\completions",
        "v1/chat/completions",
        "*",
        "http://x/metrics",
        "http://x/v1/../metrics",
        "/tokenize?/v1/chat/completions",
        "/tokenize#/v1/chat/completions",
        "/v1/chat/completions\x0b",
        "/v1/chat/completions\t/metrics",
    ],
)
def test_no_spelling_of_a_path_reaches_the_engine_but_the_exact_one(
    gateway: GatewayRig, engine: StubEngine, target: str
) -> None:
    answered, reached = judged(gateway, engine, request(target))
    assert reached == []
    assert set(answered) <= {400, 404}


@pytest.mark.parametrize(
    "target",
    [f"http://elsewhere{PATH}?x=1", f"{PATH}?a=../../metrics", f"{PATH}#/../metrics"],
)
def test_authority_query_and_fragment_do_not_reach_the_engine(
    gateway: GatewayRig, engine: StubEngine, target: str
) -> None:
    _, reached = judged(gateway, engine, request(target).replace(b"Host: x", b"Host: elsewhere"))
    assert set(reached) <= {f"POST {PATH} HTTP/1.1"}


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "X"]
)
def test_no_method_but_post_reaches_the_engine(gateway: GatewayRig, engine: StubEngine, method: str) -> None:
    answered, reached = judged(gateway, engine, request(method=method))
    assert reached == []
    assert set(answered) <= {400, 404, 405}


def test_override_headers_change_neither_method_nor_path(gateway: GatewayRig, engine: StubEngine) -> None:
    fields = "X-HTTP-Method-Override: GET\r\nX-Original-URL: /metrics\r\nX-Rewrite-URL: /metrics\r\n"
    answered, reached = judged(gateway, engine, request(fields=fields))
    assert (answered, reached) == ([200], [f"POST {PATH} HTTP/1.1"])
    names = {name for name, _ in engine.log()[0]["headers"]}
    assert names == {"host", "content-length", "content-type", "x-request-id", "connection"}
