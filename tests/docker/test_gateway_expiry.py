"""A key that expires: refused from its day on, by the gateway's own clock, without a reload."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from components.gateway.config import KeyGrant, render
from tests.docker.gateway_rig import MIB, GatewayRig, StubEngine, refused, until

pytestmark = pytest.mark.docker

CHAT = {"model": "free", "messages": [{"role": "user", "content": "hello"}]}
TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)
GRANTS = (
    KeyGrant("expired", ("tiny",), expires=TODAY - DAY),
    # The longest ago and the latest that a date can be: no number is too small or too large.
    KeyGrant("ancient", ("*",), expires=TODAY.min),
    KeyGrant("eternal", ("*",), expires=TODAY.max),
    KeyGrant("today", ("*",), expires=TODAY),
    # Two days on, so that midnight in the middle of the tests changes nothing.
    KeyGrant("soon", ("*",), expires=TODAY + 2 * DAY),
    KeyGrant("never", ("*",)),
)


@pytest.fixture(scope="module")
def gateway(rig: GatewayRig, engine: StubEngine) -> GatewayRig:
    rig.grants = GRANTS
    rig.write_config()
    rig.write_keys()
    rig.start()
    rig.wait_until_up("free")
    engine.clear()
    return rig


@pytest.mark.parametrize("key", ["expired", "ancient", "today"])
def test_an_expired_key_gets_401_that_says_so_and_no_engine_sees_it(
    gateway: GatewayRig, engine: StubEngine, key: str
) -> None:
    engine.clear()
    answer = gateway.call(CHAT, key=key)
    assert refused(answer, 401, "expired_api_key")["type"] == "authentication_error"
    assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/v1/models", "/v1/models/free"):
        refused(gateway.call(path=path, method="GET", key=key), 401, "expired_api_key")
    assert engine.log() == []


@pytest.mark.parametrize("key", ["soon", "eternal", "never"])
def test_a_key_is_good_before_its_day(gateway: GatewayRig, key: str) -> None:
    assert gateway.call(CHAT, key=key).status_code == 200
    assert gateway.call(path="/v1/models", method="GET", key=key).status_code == 200


def test_the_log_names_the_expired_key(gateway: GatewayRig) -> None:
    answer = gateway.call(CHAT, key="expired")
    entry = gateway.entry(answer.headers["x-request-id"])
    assert (entry["status"], entry["error"], entry["key_id"]) == (401, "expired_api_key", "expired")


def test_an_expired_key_is_refused_behind_the_path_and_before_body_and_model(gateway: GatewayRig) -> None:
    too_large = b"x" * (MIB + 1)
    refused(gateway.call(too_large, path="/nope", key="expired"), 404, "unknown_path")
    refused(gateway.call(too_large, key="expired"), 401, "expired_api_key")
    refused(gateway.call(CHAT, key="expired"), 401, "expired_api_key")


def test_a_wrong_key_does_not_learn_that_a_right_one_expired(gateway: GatewayRig) -> None:
    refused(gateway.call(CHAT, key="nobody"), 401, "invalid_api_key")


def test_a_key_ends_while_the_gateway_runs_without_a_reload(gateway: GatewayRig) -> None:
    files = render(gateway.routes, gateway.grants, gateway.limits)
    end = int(time.time()) + 8
    files["expiries.map"] += f"never {end}\n"
    reloads = gateway.errors().count("gateway: reloading")
    gateway.config.switch(files)
    assert until(lambda: gateway.errors().count("gateway: reloading") > reloads, 5)
    reloads = gateway.errors().count("gateway: reloading")
    good = []
    while (answer := gateway.call(CHAT, key="never")).status_code != 401:
        good.append((time.time(), answer.status_code))
        assert time.time() < end + 5, "it is still good"
        time.sleep(0.1)
    refused(answer, 401, "expired_api_key")
    assert good, "it was never good"
    assert {status for _, status in good} == {200}
    assert end - 1 <= good[-1][0] + 0.5 <= end + 2
    assert gateway.errors().count("gateway: reloading") == reloads
