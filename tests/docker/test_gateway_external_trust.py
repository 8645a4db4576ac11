"""Endpoints outside of the stack: who they must prove to be, and the credentials that they get."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.engines.external import ExternalOptions
from components.gateway.config import Route
from tests.docker.conftest import MakeExternalRig
from tests.docker.gateway_external import External, ExternalRig
from tests.docker.gateway_rig import key_of, refused, until

pytestmark = pytest.mark.docker

SECRET, FRESH = "sk-outside-0123456789abcdef", "sk-fresh-0123456789abcdef"
CLOUD = ExternalOptions(url="https://cloud.test:8000/v1", credential="bearer", authorities="stack")
ROUTES = (
    Route("cloud", external=CLOUD),
    # It shows a certificate of the stack's authority, for another name.
    Route(
        "impostor",
        external=ExternalOptions(url="https://other.test:8000/v1", authorities="stack"),
        wake_hold_s=1,
    ),
    # The same endpoint as cloud, whose authority no system trusts.
    Route(
        "strange",
        external=ExternalOptions(url="https://cloud.test:8000/v1", credential="bearer"),
        wake_hold_s=1,
    ),
)
CREDENTIALS = {"cloud": SECRET, "strange": SECRET}


@pytest.fixture(scope="module")
def rig(external_rig: MakeExternalRig) -> ExternalRig:
    return external_rig("trust", ROUTES, CREDENTIALS)


@pytest.fixture(scope="module")
def cloud(rig: ExternalRig) -> External:
    return rig.endpoint("cloud.test", proves="cloud.test", STUB_SECRET=f"Bearer {SECRET}")


@pytest.fixture(scope="module")
def impostor(rig: ExternalRig) -> External:
    return rig.endpoint("other.test", proves="cloud.test")


@pytest.fixture(scope="module", name="gateway")
def _gateway(rig: ExternalRig, cloud: External, impostor: External) -> ExternalRig:
    _ = (cloud, impostor)  # They are there before the gateway looks for them.
    rig.begin("cloud")
    return rig


@pytest.mark.parametrize(
    ("model", "reason"),
    [("impostor", "certificate different from the expected one"), ("strange", "SSL handshake failure")],
)
def test_an_endpoint_that_cannot_prove_its_name_gets_nothing(
    gateway: ExternalRig, cloud: External, impostor: External, model: str, reason: str
) -> None:
    gateway.wait_until_up(model, 0, budget_s=40)
    refused(gateway.call({"model": model}), 503, "model_starting")
    assert not impostor.log()
    assert not impostor.checks()
    assert "strange" not in {entry["model"] for entry in cloud.log()}
    told = [line for line in gateway.errors().splitlines() if f"server {model}/r1" in line]
    assert any(reason in line for line in told), told


def test_neither_credential_nor_prompt_is_in_any_output_or_in_the_configuration(gateway: ExternalRig) -> None:
    gateway.call({"model": "cloud", "messages": "the-prompt-nobody-may-read"})
    said = gateway.output() + gateway.errors() + gateway.run("cat", "/etc/slm/config/haproxy.cfg")[1]
    assert "backend cloud" in said
    for word in (SECRET, "the-prompt-nobody-may-read", key_of("alice")):
        assert word not in said


def test_a_refused_credential_is_told_to_the_operator_and_not_shown(
    gateway: ExternalRig, cloud: External
) -> None:
    cloud.wants("another")
    answer = gateway.call({"model": "cloud"})
    error = refused(answer, 502, "endpoint_refused")
    assert SECRET not in json.dumps(error)
    assert gateway.entry(answer.headers["x-request-id"])["error"] == "endpoint_refused"
    assert "x-slm-served-by" not in answer.headers
    told = "the endpoint does not accept the credential"
    assert until(lambda: told in gateway.errors(), 20), gateway.errors()
    cloud.wants(SECRET)
    gateway.wait_until_up("cloud")


def test_a_credential_is_changed_under_load_without_a_lost_request(
    gateway: ExternalRig, cloud: External
) -> None:
    cloud.wants(SECRET, FRESH)
    cloud.clear()
    stop = threading.Event()

    def load() -> set[int]:
        seen = set[int]()
        while not stop.is_set():
            seen.add(gateway.call({"model": "cloud"}).status_code)
        return seen

    def used() -> set[str]:
        return {dict(entry["headers"])["authorization"] for entry in cloud.log()}

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(load) for _ in range(2)]
        time.sleep(1)
        assert used() == {f"Bearer {SECRET}"}
        gateway.credentials = {**CREDENTIALS, "cloud": FRESH}
        gateway.write_keys()
        changed = until(lambda: f"Bearer {FRESH}" in used(), 15)
        time.sleep(1)
        stop.set()
        assert [worker.result() for worker in workers] == [{200}, {200}]
    assert changed
    cloud.wants(FRESH)
    assert gateway.call({"model": "cloud"}).status_code == 200
    assert FRESH not in gateway.output() + gateway.errors()


def test_a_credential_can_go_in_the_header_that_azure_reads(gateway: ExternalRig) -> None:
    azure = gateway.endpoint("keyed", STUB_SECRET="abc-123", STUB_HEADER="api-key")
    options = ExternalOptions(url="http://keyed:8000/v1", credential="api-key")
    gateway.routes = (*ROUTES, Route("keyed", external=options))
    gateway.credentials = {**gateway.credentials, "keyed": "abc-123"}
    gateway.write_keys()
    gateway.write_config()
    assert until(lambda: gateway.call({"model": "keyed"}).status_code == 200, 20)
    assert "authorization" not in dict(azure.log()[-1]["headers"])
