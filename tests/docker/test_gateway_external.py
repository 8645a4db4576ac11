"""Endpoints outside of the stack: what reaches them, and how their answers come back."""

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import httpx
import pytest

from components.engines.external import ExternalOptions
from components.gateway.config import Route
from tests.docker.conftest import MakeExternalRig
from tests.docker.gateway_external import External, ExternalRig
from tests.docker.gateway_rig import key_of, refused

pytestmark = pytest.mark.docker

SECRET = "sk-outside-0123456789abcdef"
AZURE = ExternalOptions(
    url="https://azure.test:8000/openai/v1", model="gpt-4o-mini", credential="bearer", authorities="stack"
)
PLAIN = ExternalOptions(url="http://plain:8000", model="org/a-long-name.of@upstream+1", health_path="/ready")

ROUTES = (
    Route("cloud", external=AZURE, max_concurrency=2, max_queue=2, queue_timeout_s=5),
    Route("plain", external=PLAIN),
)


@pytest.fixture(scope="module")
def rig(external_rig: MakeExternalRig) -> ExternalRig:
    return external_rig("external", ROUTES, {"cloud": SECRET})


@pytest.fixture(scope="module")
def cloud(rig: ExternalRig) -> External:
    return rig.endpoint("azure.test", proves="azure.test", STUB_SECRET=f"Bearer {SECRET}")


@pytest.fixture(scope="module")
def plain(rig: ExternalRig) -> External:
    return rig.endpoint("plain")


@pytest.fixture(scope="module", name="gateway")
def _gateway(rig: ExternalRig, cloud: External, plain: External) -> ExternalRig:
    _ = (cloud, plain)  # They are there before the gateway looks for them.
    rig.begin("cloud", "plain")
    return rig


def test_the_endpoint_gets_its_path_its_credential_and_its_name(
    gateway: ExternalRig, cloud: External
) -> None:
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        cloud.clear()
        answer = gateway.call({"model": "cloud"}, path=f"{path}?api-version=1")
        assert answer.status_code == 200, f"{answer.text} {gateway.errors()} {cloud.checks()}"
        assert answer.json()["model"] == "gpt-4o-mini"
        assert answer.headers["x-slm-served-by"] == "cloud"
        (entry,) = cloud.log()
        seen = dict(entry["headers"])
        assert entry["line"] == f"POST /openai{path} HTTP/1.1"
        assert (seen["host"], seen["authorization"]) == ("azure.test:8000", f"Bearer {SECRET}")
        assert key_of("alice") not in json.dumps(entry)


def bodies(model: str, known_as: str) -> Iterator[tuple[bytes, bytes]]:
    """What a client sends, and what the endpoint must get: the same but for the name."""
    for form in (
        '{"model":"%s","messages":[]}',
        '{"messages":[{"content":"\\"model\\": \\"cloud\\" \\u20ac"}], "x":{"model":"other"}, "model":"%s"}',
        ' \t\n{ "größe" : "€𝄞" ,\r\n "model"\t:\n "%s" , "z":"\\u0000" } \n',
        '{"filler":"' + "€" * 340_000 + '","model":"%s"}',
        '{"model":"%s","filler":"' + "x" * 1_040_000 + '"}',
    ):
        yield (form % model).encode(), (form % known_as).encode()
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in model)
    yield b'{"model":"%b","a":1}' % escaped.encode(), b'{"model":"%b","a":1}' % known_as.encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
@pytest.mark.parametrize(("model", "known_as"), [("cloud", "gpt-4o-mini"), ("plain", str(PLAIN.model))])
def test_the_name_is_replaced_and_no_other_byte(
    gateway: ExternalRig, cloud: External, plain: External, model: str, known_as: str, chunked: bool
) -> None:
    endpoint = {"cloud": cloud, "plain": plain}[model]
    for sent, expected in bodies(model, known_as):
        endpoint.clear()
        pieces = (sent[at : at + 50_000] for at in range(0, len(sent), 50_000))
        answer = httpx.post(
            f"{gateway.url}/v1/chat/completions",
            content=pieces if chunked else sent,
            headers={"Authorization": f"Bearer {key_of('alice')}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        (entry,) = endpoint.log()
        assert (entry["bytes"], entry["model"]) == (len(expected), known_as)
        assert entry["sha256"] == hashlib.sha256(expected).hexdigest()


def test_many_large_bodies_at_once_are_all_renamed(gateway: ExternalRig, plain: External) -> None:
    plain.clear()
    sent = b'{"model":"plain","messages":"' + b"\\n" * 500_000 + b'"}'
    expected = sent.replace(b'"plain"', f'"{PLAIN.model}"'.encode(), 1)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: gateway.call(sent, timeout=60), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    assert {entry["sha256"] for entry in plain.log()} == {hashlib.sha256(expected).hexdigest()}


def test_a_stream_passes_as_it_is_produced(gateway: ExternalRig) -> None:
    ask = {"model": "cloud", "stream": True, "stub": {"chunks": 4, "interval_s": 0.5}}
    headers = {"Authorization": f"Bearer {key_of('alice')}"}
    at: list[float] = []
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=ask, headers=headers) as answer:
        text = ""
        for piece in answer.iter_text():
            at.append(time.monotonic())
            text += piece
    assert text.endswith("data: [DONE]\n\n")
    assert at[-1] - at[0] > 1.2
    entry = gateway.entry(answer.headers["x-request-id"])
    assert (entry["model"], entry["served_by"], entry["completion_tokens"]) == ("cloud", "cloud", 3)


def test_an_endpoint_gets_no_more_requests_at_once_than_allowed(
    gateway: ExternalRig, cloud: External
) -> None:
    cloud.clear()
    ask = {"model": "cloud", "stub": {"delay_s": 1}}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: gateway.call(ask), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 2
    assert cloud.peak() == 2


def test_a_request_that_an_endpoint_began_is_not_sent_again(gateway: ExternalRig, cloud: External) -> None:
    cloud.clear()
    plan = {"die": "before_headers", "delay_s": 0.2}
    refused(gateway.call({"model": "cloud", "stub": plan}), 503, "engine_failed")
    assert len(cloud.log()) == 1


def test_health_is_asked_below_the_base_with_the_credential_and_seldom(
    gateway: ExternalRig, cloud: External
) -> None:
    gateway.wait_until_up("cloud")
    cloud.clear()
    time.sleep(21)
    assert 1 <= len(cloud.checks()) <= 3
    assert set(cloud.checks()) == {"GET /openai/v1/models HTTP/1.1"}


def test_the_machine_itself_is_reached_by_its_entry_in_the_hosts_file(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path: Path,
) -> None:
    rig = ExternalRig(docker_client, gateway_images, test_label, tmp_path)
    try:
        stub = rig.endpoint("unused")
        stub.container.reload()
        address = stub.container.attrs["NetworkSettings"]["Networks"][rig.network.name]["IPAddress"]
        options = ExternalOptions(url="http://host.docker.internal:8000/v1")
        rig.routes = (Route("mlx", external=options),)
        rig.write_config()
        rig.write_keys()
        rig.start(extra_hosts={"host.docker.internal": address})
        assert rig.call({"model": "mlx"}).status_code == 200
        (entry,) = stub.log()
        assert dict(entry["headers"])["host"] == "host.docker.internal:8000"
    finally:
        rig.close()
