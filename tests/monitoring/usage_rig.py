"""A real gateway, with an engine that does what a request says, that logs to a real collector."""

import socket
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from components.engines.external import ExternalOptions
from components.gateway.config import KeyGrant, Route
from monitoring.watched import Price, Slo, Watched, WatchedEngine, WatchedKey, WatchedModel
from tests.docker.conftest import BuildImage
from tests.docker.gateway_parts import until
from tests.docker.gateway_rig import GatewayRig
from tests.monitoring.collector_rig import Collector, total

ENGINE = WatchedEngine("onnx", 60, 2**30, 2)
MODELS = ("cloud", "free", "late", "tiny", "wide")
# An endpoint outside, played by the same stub.
CLOUD = Route("cloud", external=ExternalOptions(url="http://engine:8000/v1", health_path="none"))
PRICE = Price(prompt=0.5, completion=1200)
GRANTS = (
    KeyGrant("alice", ("*",)),
    KeyGrant("bob", ("tiny", "free")),
    KeyGrant("five", ("free",), requests_per_minute=2),
)
WATCHED = Watched(
    stack="test",
    models=tuple(
        WatchedModel(
            name, Slo(first_token_seconds=3.5), 4, ENGINE, name, price=PRICE if name == "free" else None
        )
        for name in MODELS
    ),
    keys=tuple(WatchedKey(grant.id, MODELS if "*" in grant.models else grant.models) for grant in GRANTS),
)


@pytest.fixture(scope="module")
def collector(
    docker_client: docker.DockerClient, build_image: BuildImage, test_label: dict[str, str]
) -> Iterator[Collector]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    made = Collector(docker_client, build_image("collector"), test_label, WATCHED, port)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    collector: Collector,
) -> Iterator[GatewayRig]:
    """One that logs to the collector, with an engine that does what a request says."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    rig = GatewayRig(docker_client, gateway_images, test_label, folder)
    rig.grants, rig.routes = GRANTS, (*rig.routes, CLOUD)
    rig.write_config()
    rig.write_keys()
    rig.engine("engine")
    rig.labels = {**test_label, "slm-kit.stack": "test", "slm-kit.workload": "gateway"}
    rig.start(log_config=collector.logging())
    rig.wait_until_up("tiny")
    rig.wait_until_up("free")
    rig.wait_until_up("cloud")
    yield rig
    rig.close()


def counts(collector: Collector, name: str, expected: float, **labels: str) -> None:
    """Asserts a counter, which follows the log within seconds, and that it stays there."""
    wanted = pytest.approx(expected, rel=1e-9)
    until(lambda: total(collector.counters(), name, **labels) == wanted, 5)
    assert total(collector.counters(), name, **labels) == wanted, (name, labels)
