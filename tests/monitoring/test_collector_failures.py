"""What the real collector says when it loses records: counters that are born then, by their names."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import docker
import httpx
import pytest
import yaml
from docker.types import LogConfig

from components.platforms.docker_container import shipped_logs
from monitoring.collector import FORWARD_PORT, render
from monitoring.recording.itself import LOST_LOGS, REFUSED_LOGS
from monitoring.watched import ADDRESSES
from tests.docker.conftest import BuildImage
from tests.docker.gateway_parts import published, until
from tests.monitoring.alert_stack import EVERYTHING
from tests.monitoring.alert_tools import packed

pytestmark = pytest.mark.docker

TELEMETRY_PORT = int(ADDRESSES.collector.rsplit(":", 1)[1])
LINES = 6
SAYS = f"for line in $(seq {LINES}); do echo $line; sleep 1.2; done"
"""Slower than the collector makes batches: each line is one."""
Start = Callable[[dict[str, Any]], Callable[[], Mapping[str, float]]]


@pytest.fixture
def start(
    docker_client: docker.DockerClient,
    build_image: BuildImage,
    bases: tuple[str, str],
    test_label: dict[str, str],
) -> Iterator[Start]:
    """``start(config)``: a collector to which a container says its lines; how to read its own counters."""
    made = []

    def begin(config: dict[str, Any]) -> Callable[[], Mapping[str, float]]:
        collector = docker_client.containers.create(
            build_image("collector"),
            ["--config=/etc/slm/config/collector.yaml"],
            labels=test_label,
            cap_drop=["ALL"],
            user="10001:10001",
            mem_limit="160m",
            ports=dict.fromkeys((f"{FORWARD_PORT}/tcp", f"{TELEMETRY_PORT}/tcp"), ("127.0.0.1", 0)),
        )
        made.append(collector)
        collector.put_archive("/etc/slm/config", packed({"collector.yaml": yaml.safe_dump(config)}))
        collector.start()
        port = published(collector, TELEMETRY_PORT)
        assert until(lambda: read(port) is not None, 20), collector.logs().decode()
        given = shipped_logs(f"127.0.0.1:{published(collector, FORWARD_PORT)}")
        speaker = docker_client.containers.run(
            bases[0],
            ["-c", SAYS],
            entrypoint="bash",
            detach=True,
            network_mode="none",
            labels=test_label,
            log_config=LogConfig(type=given["log_driver"], config=given["log_opts"]),
        )
        made.append(speaker)
        return lambda: read(port) or {}

    yield begin
    for container in reversed(made):
        container.remove(force=True)


def read(port: int) -> dict[str, float] | None:
    """The collector's own counters, by name without labels; None while it does not serve."""
    try:
        lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=2).text.splitlines()
    except httpx.HTTPError:
        return None
    found: dict[str, float] = {}
    for name, value in (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")):
        bare = name.partition("{")[0]
        found[bare] = found.get(bare, 0) + float(value)
    return found


def test_records_that_loki_does_not_get_are_counted_by_the_names_that_rules_ask_for(start: Start) -> None:
    config = yaml.safe_load(render(EVERYTHING))
    loki = config["exporters"]["otlp_http/loki"]
    # No Loki there, one batch may wait, and patience ends in seconds.
    loki["endpoint"] = "http://127.0.0.1:9/otlp"
    loki["sending_queue"] |= {"sizer": "requests", "queue_size": 1, "num_consumers": 1}
    loki["retry_on_failure"] |= {"initial_interval": "500ms", "max_interval": "1s", "max_elapsed_time": "3s"}
    counters = start(config)
    assert not set(LOST_LOGS) & set(counters()), "they are born with the first failure"
    assert until(lambda: sum(counters().get(name, 0) for name in LOST_LOGS) == LINES, 30), counters()
    assert all(counters()[name] >= 1 for name in LOST_LOGS)
    assert counters()[REFUSED_LOGS] == 0


def test_records_that_the_memory_limiter_turns_away_are_counted_once_each(start: Start) -> None:
    config = yaml.safe_load(render(EVERYTHING))
    config["processors"]["memory_limiter"] = {"check_interval": "1s", "limit_mib": 2, "spike_limit_mib": 1}
    counters = start(config)
    # It looks at its memory each second: a line may come before it did.
    taken = "otelcol_receiver_accepted_log_records"
    assert until(lambda: counters().get(REFUSED_LOGS, 0) + counters().get(taken, 0) == LINES, 30), counters()
    assert counters()[REFUSED_LOGS] >= LINES / 2
    assert not set(LOST_LOGS) & set(counters())
