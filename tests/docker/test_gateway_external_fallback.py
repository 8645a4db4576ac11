"""A local model that is down or full, and the endpoint that answers in its place."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from components.engines.external import ExternalOptions
from components.gateway.config import KeyGrant, Route
from tests.docker.conftest import MakeExternalRig
from tests.docker.gateway_external import External, ExternalRig
from tests.docker.gateway_rig import StubEngine, key_of, refused, until

pytestmark = pytest.mark.docker

SECRET = "sk-outside-0123456789abcdef"
CLOUD = ExternalOptions(url="http://cloud:8000/v9", model="big-model", credential="bearer")
ROUTES = (
    Route(
        "tiny", "engine", max_concurrency=2, max_queue=2, queue_timeout_s=10, wake_hold_s=1, fallback="cloud"
    ),
    Route("cloud", external=CLOUD, max_concurrency=8, wake_hold_s=1),
)
GRANTS = (KeyGrant("alice", ("*",)), KeyGrant("bob", ("tiny",)))


def ask(delay_s: float = 0) -> dict[str, Any]:
    return {"model": "tiny", "messages": [], "stub": {"delay_s": delay_s}}


def served_by(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-slm-served-by"]


@pytest.fixture(scope="module")
def rig(external_rig: MakeExternalRig) -> ExternalRig:
    made = external_rig("fallback", ROUTES, {"cloud": SECRET})
    made.grants = GRANTS
    return made


@pytest.fixture(scope="module")
def cloud(rig: ExternalRig) -> External:
    return rig.endpoint("cloud", STUB_SECRET=f"Bearer {SECRET}")


@pytest.fixture(scope="module", name="gateway")
def _gateway(rig: ExternalRig, cloud: External) -> ExternalRig:
    rig.engine("engine")
    rig.begin("tiny", "cloud")
    cloud.clear()
    return rig


def engine_of(gateway: ExternalRig) -> StubEngine:
    """The local engine that runs now."""
    for container in gateway.client.containers.list(filters={"network": str(gateway.network.name)}):
        networks = container.attrs["NetworkSettings"]["Networks"]
        if "engine" in (networks[gateway.network.name]["Aliases"] or ()):
            return StubEngine(container)
    raise LookupError("no engine runs")


def test_the_local_model_answers_as_long_as_it_can(gateway: ExternalRig, cloud: External) -> None:
    assert served_by(gateway.call(ask())) == "tiny"
    assert cloud.log() == []


def test_what_finds_the_queue_full_is_answered_by_the_fallback(gateway: ExternalRig, cloud: External) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = []
        for _ in range(7):
            sent.append(pool.submit(gateway.call, ask(1), key="bob"))
            time.sleep(0.1)
        answers = [future.result() for future in sent]
    assert [served_by(answer) for answer in answers] == ["tiny"] * 4 + ["cloud"] * 3
    seen = cloud.log()
    assert {entry["line"] for entry in seen} == {"POST /v9/chat/completions HTTP/1.1"}
    assert {entry["model"] for entry in seen} == {"big-model"}
    assert {dict(entry["headers"])["authorization"] for entry in seen} == {f"Bearer {SECRET}"}
    entry = gateway.entry(answers[-1].headers["x-request-id"])
    assert (entry["key_id"], entry["status"]) == ("bob", 200)
    assert (entry["model"], entry["served_by"]) == ("tiny", "cloud")
    refused(gateway.call({"model": "cloud"}, key="bob"), 403, "model_not_granted")


def test_many_at_once_are_all_answered(gateway: ExternalRig) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: gateway.call(ask(0.3)), range(60)))
    assert {served_by(answer) for answer in answers} == {"tiny", "cloud"}


def test_a_reload_sends_nothing_to_the_fallback(gateway: ExternalRig, cloud: External) -> None:
    cloud.clear()
    stop, answers = threading.Event(), list[httpx.Response]()

    def load() -> None:
        while not stop.is_set():
            answers.append(gateway.call(ask()))

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(load)
        for number in range(3):
            gateway.grants = (*GRANTS, KeyGrant(f"new-{number}", ("*",)))
            gateway.write_config()
            gateway.write_keys()
            time.sleep(3)
        stop.set()
        worker.result()
    assert gateway.errors().count("gateway: reloading") >= 3
    assert {served_by(answer) for answer in answers} == {"tiny"}
    assert cloud.log() == []


def test_a_model_that_is_down_is_answered_for_at_once_until_it_is_back(gateway: ExternalRig) -> None:
    engine_of(gateway).container.remove(force=True)
    gateway.wait_until_up("tiny", 0)
    time.sleep(3)
    answer = gateway.call(ask(), key="bob")
    assert served_by(answer) == "cloud"
    assert answer.elapsed.total_seconds() < 0.5
    gateway.engine("engine")
    assert until(lambda: served_by(gateway.call(ask())) == "tiny", 15)


def test_without_the_fallback_the_models_own_refusals_are_told(gateway: ExternalRig, cloud: External) -> None:
    cloud.wants("another")
    gateway.wait_until_up("cloud", 0, 40)
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda _: gateway.call(ask(1)), range(9)))
    codes = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 503}
    assert codes == {"queue_full"}
    assert "x-slm-served-by" not in next(a for a in answers if a.status_code == 503).headers
    engine_of(gateway).container.remove(force=True)
    gateway.wait_until_up("tiny", 0)
    answer = gateway.call(ask())
    refused(answer, 503, "model_starting")
    assert gateway.entry(answer.headers["x-request-id"])["served_by"] == "tiny"


def test_a_single_model_is_shown_to_who_may_use_it(gateway: ExternalRig) -> None:
    answer = gateway.call(path="/v1/models/tiny", method="GET", key="bob")
    assert answer.json() == {"id": "tiny", "object": "model", "created": 0, "owned_by": "slm-kit"}
    refused(gateway.call(path="/v1/models/cloud", method="GET", key="bob"), 404, "model_not_found")
    for path in ("cl%6Fud", "%22%7C%0a", "tiny%00", 'tiny%00","owned_by":"x', 'tiny"', "tiny%22", "tiny|x"):
        wanted = f"GET /v1/models/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        told = gateway.raw(f"{wanted}Authorization: Bearer {key_of('alice')}\r\n\r\n".encode())
        assert told.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), told
        assert b"owned_by" not in told
    refused(gateway.call(path="/v1/models/tiny", method="GET", key=None), 401, "invalid_api_key")
    refused(gateway.call({}, path="/v1/models/tiny"), 405, "method_not_allowed")
