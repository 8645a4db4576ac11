"""Who has no key neither writes into the access log nor fills it."""

import httpx
import pytest

from tests.docker.gateway_rig import GatewayRig, StubEngine

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def gateway(rig: GatewayRig, engine: StubEngine) -> GatewayRig:
    rig.write_config()
    rig.write_keys()
    rig.start()
    rig.wait_until_up("free")
    engine.clear()
    return rig


def test_their_paths_are_not_logged_but_those_that_are_served(gateway: GatewayRig) -> None:
    made_up = gateway.call(path="/v1/a-prompt-of-somebody", method="GET", key=None)
    served = gateway.call({"model": "free"}, path="/v1/completions", key=None)
    paths = [gateway.entry(each.headers["x-request-id"])["path"] for each in (made_up, served)]
    assert paths == ["other", "/v1/completions"]


def test_a_flood_of_them_is_answered_and_leaves_few_lines(gateway: GatewayRig) -> None:
    with httpx.Client(trust_env=False) as client:
        answers = [client.get(f"{gateway.url}/v1/models") for _ in range(400)]
    assert {each.status_code for each in answers} == {401}
    kept = gateway.call({"model": "free"})
    assert gateway.entry(kept.headers["x-request-id"])["status"] == 200, "with a key, all are logged"
    lines = [line for line in gateway.access_log() if '"status":401' in line.replace(" ", "")]
    # 100 in ten seconds, also if the 400 took longer than that.
    assert 50 < len(lines) <= 200
