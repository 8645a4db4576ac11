"""Endpoints outside of the stack: what of their answers stays behind, and what of requests is refused."""

import json
from typing import Any

import httpx
import pytest

from components.engines.external import ExternalOptions
from components.gateway.config import Route
from tests.docker.conftest import MakeExternalRig
from tests.docker.gateway_external import External, ExternalRig
from tests.docker.gateway_rig import key_of, refused

pytestmark = pytest.mark.docker

SECRET = "sk-outside-0123456789abcdef"
CLOUD = ExternalOptions(
    url="http://cloud:8000/v1", model="big-model", credential="bearer", health_path="none"
)
ROUTES = (
    Route("cloud", external=CLOUD),
    Route("gone", "no-such-engine", wake_hold_s=1, fallback="cloud"),
)
STEERING = (
    "models", "route", "provider", "plugins", "transforms", "fallbacks", "api_base", "base_url", "api_key",
    "user_config", "data_sources", "extra_body", "extra_headers",
)  # fmt: skip


@pytest.fixture(scope="module")
def rig(external_rig: MakeExternalRig) -> ExternalRig:
    return external_rig("leaks", ROUTES, {"cloud": SECRET})


@pytest.fixture(scope="module")
def cloud(rig: ExternalRig) -> External:
    return rig.endpoint("cloud", STUB_SECRET=f"Bearer {SECRET}")


@pytest.fixture(scope="module", name="gateway")
def _gateway(rig: ExternalRig, cloud: External) -> ExternalRig:
    _ = cloud  # It is there before the gateway looks for it.
    rig.begin("cloud")
    return rig


def answered(gateway: ExternalRig, status: str, *headers: str, model: str = "cloud") -> httpx.Response:
    """What a client gets for an endpoint's answer with this status line, which quotes its credential."""
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}"}})
    lines = (f"HTTP/1.1 {status} for {SECRET}", f"Content-Length: {len(body)}", *headers)
    answer = gateway.call({"model": model, "stub": {"raw": "\r\n".join(lines) + "\r\n\r\n" + body}})
    if answer.status_code != 200:
        assert SECRET not in f"{answer.text} {answer.headers} {answer.reason_phrase}"
    return answer


@pytest.mark.parametrize(
    ("status", "seen", "code"),
    [
        *[(status, 400, "endpoint_rejected") for status in (400, 402, 404, 408, 413, 422, 451)],
        *[(status, 502, "endpoint_failed") for status in (500, 502, 504, 529)],
        (503, 503, "endpoint_failed"),
        (429, 429, "endpoint_limited"),
        *[(status, 502, "endpoint_refused") for status in (302, 401, 403, 407)],
    ],
)
def test_an_endpoints_words_on_a_failure_stay_behind_and_its_status_is_told(
    gateway: ExternalRig, status: int, seen: int, code: str
) -> None:
    answer = answered(gateway, f"{status} Told", f"X-Debug: {SECRET}", f"Location: http://x/{SECRET}")
    error = refused(answer, seen, code)
    if code != "endpoint_refused":
        assert f"(status {status})" in error["message"]
    assert gateway.entry(answer.headers["x-request-id"])["error"] == code
    assert "x-slm-served-by" not in answer.headers
    assert not {"x-debug", "location"} & set(answer.headers)


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("17", "17"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"),
        (f"17 {SECRET}", "5"),
    ],
)
def test_an_endpoints_wish_to_be_left_alone_is_passed_on(gateway: ExternalRig, told: str, seen: str) -> None:
    for status in ("429 Too Many", "503 Busy"):
        assert answered(gateway, status, f"Retry-After: {told}").headers["retry-after"] == seen
    assert answered(gateway, "503 Busy").headers["retry-after"] == "5"


@pytest.mark.parametrize("header", ["Content-Type: text/plain", "Content-Encoding: gzip"])
def test_an_answer_whose_usage_cannot_be_read_is_refused(gateway: ExternalRig, header: str) -> None:
    kind = () if header.startswith("Content-Type") else ("Content-Type: application/json",)
    answer = answered(gateway, "200 OK", header, *kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "engine_failed")


def test_of_an_endpoints_headers_only_the_named_ones_are_passed_on(gateway: ExternalRig) -> None:
    sent = ("Content-Type: application/json", "Cache-Control: no-store", "X-Api-Key: x", "Set-Cookie: a=b",
            "Server: x", "Access-Control-Allow-Origin: *", "X-Slm-Refusal: x", "X-Slm-Served-By: x",
            "X-Request-Id: x", "openai-organization: x")  # fmt: skip
    answer = answered(gateway, "200 OK", *sent)
    assert answer.status_code == 200
    own = {"x-request-id", "x-slm-served-by"}
    assert set(answer.headers) - {"connection"} == {"content-type", "content-length", "cache-control"} | own
    assert answer.headers["x-slm-served-by"] == "cloud"
    assert answer.headers["x-request-id"] != "x"


@pytest.mark.parametrize("model", ["cloud", "gone"])
@pytest.mark.parametrize("field", STEERING)
def test_a_field_that_chooses_another_model_or_destination_is_refused(
    gateway: ExternalRig, cloud: External, model: str, field: str
) -> None:
    cloud.clear()
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in field)
    for spelled in (field, field.upper(), escaped):
        body = f'{{"model":"{model}","{spelled}":["other"]}}'.encode()
        assert refused(gateway.call(body), 400, "field_not_allowed")["param"] == field
    assert cloud.log() == []


def test_such_a_word_elsewhere_in_a_body_is_nobodys_business(gateway: ExternalRig, cloud: External) -> None:
    cloud.clear()
    asks: tuple[dict[str, Any], ...] = (
        {"metadata": {"route": 1}}, {"user": "models"}, {"messages": ["provider"]}, {"modelsx": 1}
    )  # fmt: skip
    assert {gateway.call({"model": "cloud", **ask}).status_code for ask in asks} == {200}
    assert len(cloud.log()) == len(asks)


def test_trailers_of_a_request_reach_no_endpoint(gateway: ExternalRig, cloud: External) -> None:
    cloud.clear()
    body = b'{"model":"cloud"}'
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += "Connection: close\r\n"
    head += f"Authorization: Bearer {key_of('alice')}\r\n\r\n"
    trailers = b"0\r\nAuthorization: smuggled\r\napi-key: smuggled\r\n\r\n"
    answer = gateway.raw(head.encode() + b"%x\r\n%b\r\n" % (len(body), body) + trailers)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"trailers_not_allowed" in answer
    assert cloud.log() == []
