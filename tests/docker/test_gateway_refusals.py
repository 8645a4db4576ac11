"""Every refusal of the gateway, its form, and the order they come in."""

import pytest

from tests.docker.gateway_rig import MIB, GatewayRig, StubEngine, key_of, refused

pytestmark = pytest.mark.docker

CHAT = {"model": "free", "messages": [{"role": "user", "content": "hello"}]}


def test_a_granted_key_gets_the_engines_answer_on_every_inference_path(
    gateway: GatewayRig, engine: StubEngine
) -> None:
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        engine.clear()
        answer = gateway.call(CHAT, path=path)
        assert answer.status_code == 200
        assert answer.json()["model"] == "free"
        assert [entry["line"] for entry in engine.log()] == [f"POST {path} HTTP/1.1"]


def test_health_needs_no_key(gateway: GatewayRig) -> None:
    answer = gateway.call(path="/healthz", method="GET", key=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "path",
    ["/", "/metrics", "/tokenize", "/docs", "/v1", "/v1/models/", "/v1/models/a/b", "/v2/models"],
)
def test_an_unknown_path_gets_404_even_with_a_key(gateway: GatewayRig, path: str) -> None:
    refused(gateway.call(path=path, method="GET"), 404, "unknown_path")
    refused(gateway.call(path=path, method="GET", key=None), 404, "unknown_path")


def test_a_wrong_method_gets_405_and_is_told_the_right_one(gateway: GatewayRig) -> None:
    answer = gateway.call(path="/v1/models", method="POST", body=CHAT)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = gateway.call(method=method)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer",
        "Bearer slm-unknown",
        f"Basic {key_of('alice')}",
        key_of("alice"),
        f"Bearer {key_of('alice')}x",
        f"Bearer {key_of('alice')[:-1]}",
        f"Bearer {key_of('alice')} {key_of('alice')}",
    ],
)
def test_a_missing_or_wrong_key_gets_401(gateway: GatewayRig, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = gateway.call(CHAT, key=None, headers=headers)
    refused(answer, 401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    refused(
        gateway.call(path="/v1/models", method="GET", key=None, headers=headers),
        401,
        "invalid_api_key",
    )


def test_the_hash_of_a_key_is_not_a_key(gateway: GatewayRig) -> None:
    for line in (gateway.secrets.path / "keys.map").read_text().splitlines()[1:]:
        headers = {"Authorization": f"Bearer {line.split()[0]}"}
        refused(gateway.call(CHAT, key=None, headers=headers), 401, "invalid_api_key")


def test_two_authorization_headers_get_401(gateway: GatewayRig) -> None:
    bearer = f"Authorization: Bearer {key_of('alice')}\r\n"
    head = f"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}{bearer}\r\n"
    assert gateway.raw(head.encode()).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"hello", "invalid_json"),
        (b'{"model":"free"', "invalid_json"),
        (b'{"model":"free"}{"model":"tiny"}', "invalid_json"),
        (b"{}", "missing_model"),
        (b'{"model":["free"]}', "missing_model"),
        (b'{"model":"free","model":"tiny"}', "ambiguous_model"),
        (b'{"mod\\u0065l":"free"}', "ambiguous_model"),
        (b'{"Model":"free"}', "ambiguous_model"),
    ],
)
def test_a_body_that_names_no_model_beyond_doubt_gets_400(
    gateway: GatewayRig, engine: StubEngine, body: bytes, code: str
) -> None:
    engine.clear()
    refused(gateway.call(body), 400, code)
    assert engine.log() == []


def test_a_model_that_is_not_served_gets_404_and_one_not_granted_403(gateway: GatewayRig) -> None:
    error = refused(gateway.call({"model": "nope"}, key="bob"), 404, "model_not_found")
    assert error["param"] == "model"
    refused(gateway.call({"model": "free"}, key="bob"), 403, "model_not_granted")
    assert gateway.call({"model": "tiny"}, key="bob").status_code == 200


def test_the_model_list_holds_only_the_keys_models(gateway: GatewayRig) -> None:
    def listed(key: str) -> list[str]:
        answer = gateway.call(path="/v1/models", method="GET", key=key)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["object"] == "list"
        return [model["id"] for model in answer.json()["data"]]

    assert listed("alice") == ["free", "late", "tiny", "wide"]
    assert listed("bob") == ["tiny"]


def test_a_used_up_limit_gets_429_and_refused_requests_do_not_count(gateway: GatewayRig) -> None:
    for _ in range(4):
        assert gateway.call(CHAT, key="five").status_code == 200
    refused(gateway.call(b"{}", key="five"), 400, "missing_model")
    refused(gateway.call({"model": "tiny"}, key="five"), 403, "model_not_granted")
    assert gateway.call(CHAT, key="five").status_code == 200
    answer = gateway.call(CHAT, key="five")
    refused(answer, 429, "rate_limit_exceeded")
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.call(CHAT, key="alice").status_code == 200


def test_refusals_come_in_the_order_path_key_body_model_limit(gateway: GatewayRig) -> None:
    too_large = b"x" * (MIB + 1)
    for _ in range(5):
        assert gateway.call(CHAT, key="five-more").status_code == 200
    everything_wrong = gateway.call(too_large, path="/nope", key=None)
    refused(everything_wrong, 404, "unknown_path")
    refused(gateway.call(too_large, key=None), 401, "invalid_api_key")
    refused(gateway.call(too_large, key="five-more"), 413, "body_too_large")
    refused(gateway.call(b"{}", key="five-more"), 400, "missing_model")
    refused(gateway.call({"model": "nope"}, key="five-more"), 404, "model_not_found")
    refused(gateway.call({"model": "tiny"}, key="five-more"), 403, "model_not_granted")
    refused(gateway.call(CHAT, key="five-more"), 429, "rate_limit_exceeded")
