"""The gateway starts late, finds what comes later, and leaves politely."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import docker
import httpx
import pytest

from tests.docker.gateway_rig import ROUTES, GatewayRig, StubEngine, until

pytestmark = pytest.mark.docker

CHAT = {"model": "free", "stub": {"delay_s": 0.02}}


def test_sigterm_lets_running_answers_end_and_then_stops(gateway: GatewayRig) -> None:
    assert gateway.gateway is not None
    with ThreadPoolExecutor(2) as pool:
        plan = {"chunks": 14, "interval_s": 0.5}
        running = pool.submit(gateway.call, {"model": "free", "stream": True, "stub": plan})
        time.sleep(0.7)
        gateway.gateway.kill("SIGTERM")
        # A reload that is under way, as of what the fixture wrote, ends first.
        assert until(lambda: _refuses(gateway), 5)
        assert not running.done()
        assert running.result().text.endswith("data: [DONE]\n\n")
    assert gateway.gateway.wait(timeout=20)["StatusCode"] == 0


def _refuses(gateway: GatewayRig) -> bool:
    """Whether a new connection is not taken."""
    try:
        gateway.call(CHAT)
    except httpx.HTTPError:
        return True
    return False


@pytest.fixture
def fresh(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path: Path,
) -> Iterator[GatewayRig]:
    """A gateway of its own with nothing written yet."""
    made = GatewayRig(docker_client, gateway_images, test_label, tmp_path)
    yield made
    made.close()


def test_secrets_that_come_a_moment_later_are_waited_for(fresh: GatewayRig) -> None:
    fresh.write_config()
    fresh.start(wait=False)
    time.sleep(1.5)
    assert fresh.run("gateway-probe")[0] == 1
    fresh.write_keys()
    fresh.wait_until_serving()
    assert fresh.call(path="/v1/models", method="GET").status_code == 200


def test_the_gateway_starts_where_no_engine_and_no_key_exists_yet(fresh: GatewayRig) -> None:
    fresh.routes = (replace(ROUTES[0], wake_hold_s=1),)
    fresh.grants = ()
    fresh.write_config()
    fresh.write_keys()
    fresh.start()
    assert fresh.call(path="/healthz", method="GET", key=None).status_code == 200
    assert fresh.call({"model": "tiny"}).status_code == 401


def test_a_stop_while_waiting_for_files_is_quick(fresh: GatewayRig) -> None:
    container = fresh.start(wait=False)
    time.sleep(1)
    container.kill("SIGTERM")
    assert container.wait(timeout=5)["StatusCode"] == 0


def test_an_engine_that_moves_to_another_address_is_found_again(fresh: GatewayRig) -> None:
    first: StubEngine = fresh.engine("engine")
    fresh.write_config()
    fresh.write_keys()
    fresh.start()
    fresh.wait_until_up("free")
    first.container.remove(force=True)
    fresh.engine("filler")
    fresh.engine("engine")
    assert until(lambda: fresh.call(CHAT).status_code == 200, 15)
