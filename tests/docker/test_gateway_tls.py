"""The gateway ends TLS itself, and takes a renewed certificate over while it serves."""

import ssl
import time
from collections.abc import Iterator
from functools import partial

import docker
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docker.gateway_rig import until
from tests.docker.gateway_tls import Spoken, TlsRig
from tests.docker.test_gateway_reload import CHAT, load

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def gateway(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TlsRig]:
    """A gateway that serves, with an engine up behind it."""
    rig = TlsRig(docker_client, gateway_images, test_label, tmp_path_factory.mktemp("gateway"))
    try:
        rig.engine("engine")
        rig.write_config()
        rig.write_keys()
        rig.renew("first")
        rig.start()
        rig.wait_until_up("free")
        yield rig
    finally:
        rig.close()


def serves(gateway: TlsRig, name: str) -> bool:
    return gateway.speak().name == name


def test_a_request_is_answered_over_tls_and_a_key_is_asked_for(gateway: TlsRig) -> None:
    assert gateway.call(CHAT).status_code == 200
    assert gateway.call(CHAT, key=None).status_code == 401


def test_it_speaks_modern_tls_and_http_1_alone(gateway: TlsRig) -> None:
    assert gateway.speak("h2", "http/1.1") == Spoken("first", "TLSv1.3", "http/1.1")
    assert gateway.speak("h2").protocol is None
    assert gateway.speak(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256").version == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
        gateway.speak(ciphers="ECDHE-ECDSA-AES128-SHA")


def test_a_renewed_certificate_is_served_without_a_lost_request(gateway: TlsRig) -> None:
    assert gateway.gateway is not None
    started = gateway.gateway.attrs["State"]["StartedAt"]
    with load(gateway) as seen:
        time.sleep(1)
        for number in range(3):
            gateway.renew(f"renewed-{number}")
            assert until(partial(serves, gateway, f"renewed-{number}"))
            time.sleep(1)
    gateway.gateway.reload()
    assert gateway.gateway.attrs["State"]["StartedAt"] == started
    assert (seen.broken, set(seen.statuses)) == ([], {200})
    assert len(seen.statuses) > 100


def told(gateway: TlsRig) -> dict[str, int]:
    """What Prometheus is told of the certificate."""
    head, _, text = gateway.metrics("/certificate").partition("\r\n\r\n")
    assert " 200 " in head.splitlines()[0], head
    samples = text_string_to_metric_families(text)
    return {sample.name: int(sample.value) for family in samples for sample in family.samples}


def test_prometheus_is_told_when_the_certificate_ends_that_clients_are_shown(gateway: TlsRig) -> None:
    gateway.renew("asked")
    assert until(partial(serves, gateway, "asked"))
    assert told(gateway) == {
        f"slm_gateway_certificate_{edge}_timestamp_seconds": second
        for edge, second in gateway.validity().items()
    }
    # Not where clients are.
    assert gateway.call(CHAT, path="/certificate").status_code == 404


@pytest.mark.parametrize("damage", ["another key", "no certificate", "no key"])
def test_a_broken_certificate_is_told_and_the_old_one_stays(gateway: TlsRig, damage: str) -> None:
    gateway.renew("good")
    assert until(partial(serves, gateway, "good"))
    broken = gateway.files("broken")
    match damage:
        case "another key":
            broken["tls.key"] = gateway.files("another")["tls.key"]
        case "no certificate":
            broken["tls.crt"] = "nothing of that kind\n"
        case _:
            del broken["tls.key"]
    refused = gateway.errors().count("new content refused")
    with load(gateway, clients=2) as seen:
        gateway.certificate.switch(broken)
        assert until(lambda: gateway.errors().count("new content refused") > refused)
        time.sleep(1)
        assert serves(gateway, "good")
    assert (seen.broken, set(seen.statuses)) == ([], {200})
    gateway.renew(f"after {damage}")
    assert until(partial(serves, gateway, f"after {damage}"))
