"""Who has no key neither writes into the access log nor fills it."""

import json
import time

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig

pytestmark = pytest.mark.docker


def test_nothing_of_their_own_is_logged(gateway: GatewayRig) -> None:
    wish = {"X-Request-Id": "a-prompt-of-somebody"}
    made_up = gateway.call(path="/v1/a-prompt-of-somebody", method="PROMPT", key=None, headers=wish)
    served = gateway.call({"model": "free"}, path="/v1/completions", key=None)
    entries = [gateway.entry(each.headers["x-request-id"]) for each in (made_up, served)]
    asked = [(each["method"], each["path"], each["error"]) for each in entries]
    assert asked == [("other", "other", "unknown_path"), ("POST", "/v1/completions", "invalid_api_key")]
    assert "a-prompt-of-somebody" not in gateway.output()


def test_a_flood_of_them_is_answered_and_a_part_of_it_logged_while_it_lasts(gateway: GatewayRig) -> None:
    ids, until = list[str](), time.monotonic() + 16
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < until:
            answer = client.get(f"{gateway.url}/v1/models")
            assert answer.status_code == 401
            ids.append(answer.headers["x-request-id"])
            time.sleep(0.01)
    kept = gateway.call({"model": "free"})
    assert gateway.entry(kept.headers["x-request-id"])["status"] == 200, "with a key, all are logged"
    written = {json.loads(line)["request_id"] for line in gateway.access_log()}
    logged = [each in written for each in ids]
    assert 100 <= sum(logged) <= 300 < len(ids), "100 in ten seconds"
    assert any(logged[-len(ids) // 4 :]), "also late in a flood"
