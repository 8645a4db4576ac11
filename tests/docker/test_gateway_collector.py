"""The gateway's log over TCP to a collector: there, away, replaced, or stuck. No request waits for it."""

import json
import time
from typing import Any

import pytest
from docker.models.containers import Container

from tests.docker.gateway_rig import GatewayRig, StubEngine, until

pytestmark = pytest.mark.docker

PORT = 8007
READS = f"""
import socketserver
class Reader(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            print(line.decode(), end="", flush=True)
socketserver.ThreadingTCPServer(("", {PORT}), Reader).serve_forever()
"""
STUCK = f"""
import socket, time
listener = socket.create_server(("", {PORT}))
taken = []
while True:
    taken.append(listener.accept())
    print("taken", flush=True)
"""
STAYS = "import time; time.sleep(3600)"
BODY = {"model": "free", "messages": [{"role": "user", "content": "hi"}]}


class Collectors:
    """Containers under the collector's name, one at a time."""

    def __init__(self, rig: GatewayRig) -> None:
        self._rig, self._count = rig, 0
        self.running: Container | None = None

    def within(self, place: Container, script: str) -> Container:
        """One at the address of a container that stays, as a Service's does while its pod is replaced."""
        return self._rig.client.containers.run(
            self._rig.stub_image,
            ["python3", "-u", "-c", script],
            detach=True,
            labels=self._rig.labels,
            network_mode=f"container:{place.id}",
        )

    def begin(self, script: str) -> Container:
        """Another one in the place of the one before, at another address."""
        rig, name = self._rig, str(self._rig.network.name)
        before = self.running
        if before is not None:
            # Stopped and not yet removed, so that its address is not given again.
            before.kill()
        self.running = rig.client.containers.run(
            rig.stub_image,
            ["python3", "-u", "-c", script],
            detach=True,
            labels=rig.labels,
            network=name,
            networking_config={name: rig.client.api.create_endpoint_config(aliases=["collector"])},
        )
        return self.running


@pytest.fixture(scope="module")
def collectors(rig: GatewayRig, engine: StubEngine) -> Collectors:
    """None is there yet; a gateway that serves is."""
    rig.collector = f"collector:{PORT}"
    rig.write_config()
    rig.write_keys()
    rig.start()
    rig.wait_until_up("free")
    engine.clear()
    return Collectors(rig)


def lines(container: Container) -> list[dict[str, Any]]:
    """What a collector that reads was sent; of whole JSON lines only."""
    said = container.logs().decode().splitlines()
    return [json.loads(each) for each in said if each.startswith("{")]


def got(container: Container, rig: GatewayRig, prefix: str) -> bool:
    """Whether one of the requests that are made meanwhile comes to it."""

    def ask() -> bool:
        asked = f"{prefix}-{time.monotonic_ns()}"
        assert rig.call(BODY, headers={"X-Request-Id": asked}).status_code == 200
        return any(each.get("request_id", "").startswith(prefix) for each in lines(container))

    return until(ask, 40)


def slowest(rig: GatewayRig, count: int) -> float:
    """Seconds of the slowest of so many requests, which are all answered."""
    seconds = []
    for _ in range(count):
        begun = time.monotonic()
        assert rig.call(BODY).status_code == 200
        seconds.append(time.monotonic() - begun)
    return max(seconds)


def test_requests_are_answered_at_once_while_there_is_no_collector(
    collectors: Collectors, rig: GatewayRig
) -> None:
    assert collectors.running is None
    assert slowest(rig, 20) < 2


def test_lines_and_births_come_to_a_collector_that_comes_late(
    collectors: Collectors, rig: GatewayRig
) -> None:
    reader = collectors.begin(READS)
    assert got(reader, rig, "came-late"), rig.errors()
    born = {"event": "usage_start", "key_id": "alice", "model": "free", "served_by": "free"}
    assert until(lambda: born in lines(reader), 30)
    entry = next(each for each in lines(reader) if each.get("request_id", "").startswith("came-late"))
    assert entry == rig.entry(entry["request_id"])
    assert (entry["key_id"], entry["model"], entry["status"]) == ("alice", "free", 200)
    assert "usage_start" not in rig.output()


def test_another_collector_at_another_address_is_found(collectors: Collectors, rig: GatewayRig) -> None:
    reader = collectors.begin(READS)
    assert got(reader, rig, "another"), rig.errors()


def test_a_collector_that_takes_nothing_holds_no_request_back(
    collectors: Collectors, rig: GatewayRig
) -> None:
    stuck = collectors.begin(STUCK)
    assert until(lambda: rig.call(BODY).status_code == 200 and "taken" in stuck.logs().decode(), 40)
    assert slowest(rig, 1500) < 2
    assert rig.gauge("haproxy_backend_current_queue", "free") == 0


def test_each_line_of_the_time_without_a_collector_comes_once_it_is_back(
    collectors: Collectors, rig: GatewayRig
) -> None:
    place = collectors.begin(STAYS)
    away = collectors.within(place, READS)
    back: Container | None = None
    try:
        assert got(away, rig, "before"), rig.errors()
        away.kill()
        away.wait(timeout=10)
        # Beyond the 16 KiB that HAProxy keeps of itself: about 37 lines.
        asked = [f"away-{number:03}" for number in range(400)]
        for each in asked:
            assert rig.call(BODY, headers={"X-Request-Id": each}).status_code == 200
        back = collectors.within(place, READS)
        come: Container = back
        # The first ones may have gone down the connection to the one that ended.
        owed = set(asked[10:])
        until(lambda: owed <= {line.get("request_id") for line in lines(come)}, 40)
        lost = owed - {line.get("request_id") for line in lines(come)}
        assert not lost, f"{len(lost)} of {len(owed)} lines were lost: {sorted(lost)}"
    finally:
        for one in filter(None, (away, back)):
            one.remove(force=True)
