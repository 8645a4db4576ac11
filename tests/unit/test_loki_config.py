"""What Loki's configuration promises."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import loki
from monitoring.alerts.machine import DISK_FULL, DISK_NEARLY_FULL
from monitoring.watched import Watched

WATCHED = Watched(stack="test", models=(), keys=())
DOCKER = Path(__file__).resolve().parents[2] / "docker"


def settings(watched: Watched = WATCHED) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(loki.render(watched))
    return loaded


@pytest.mark.parametrize("days", [1, 7, 30])
def test_logs_are_kept_for_the_days_of_the_stack_and_then_deleted(days: int) -> None:
    found = settings(dataclasses.replace(WATCHED, log_retention_days=days))
    assert found["limits_config"]["retention_period"] == f"{days * 24}h"
    assert found["compactor"]["retention_enabled"] is True
    assert found["compactor"]["delete_request_store"] == "filesystem"
    # Retention works on whole index tables, which must be a day long.
    assert found["schema_config"]["configs"][-1]["index"]["period"] == "24h"


def test_nothing_is_reported_to_its_makers() -> None:
    assert settings()["analytics"]["reporting_enabled"] is False


def test_everything_it_writes_is_on_its_volume() -> None:
    found = settings()
    filesystem = found["common"]["storage"]["filesystem"]
    paths = (
        found["common"]["path_prefix"],
        found["compactor"]["working_directory"],
        found["ingester"]["wal"]["dir"],
        *filesystem.values(),
    )
    assert all(path == loki.DATA or path.startswith(f"{loki.DATA}/") for path in paths)


def test_only_the_service_and_the_stack_become_labels() -> None:
    attributes = settings()["limits_config"]["otlp_config"]["resource_attributes"]
    assert attributes == {
        "ignore_defaults": True,
        "attributes_config": [{"action": "index_label", "attributes": ["service.name", "stack"]}],
    }


def test_what_a_sender_may_send_is_bounded() -> None:
    limits = settings()["limits_config"]
    assert 0 < limits["ingestion_rate_mb"] <= 1
    assert limits["ingestion_rate_mb"] <= limits["ingestion_burst_size_mb"] <= 16
    assert limits["max_line_size"] == loki.LINE_BYTES
    assert limits["max_line_size_truncate"] is True
    assert limits["max_global_streams_per_user"] == loki.STREAMS


def test_it_answers_on_the_port_that_the_other_parts_know() -> None:
    server = settings()["server"]
    assert server["http_listen_port"] == 3100
    assert server["grpc_listen_address"] == "127.0.0.1"


def test_the_same_stack_gives_the_same_file() -> None:
    assert loki.render(WATCHED) == loki.render(WATCHED)


def test_every_image_has_the_same_probe() -> None:
    probes = sorted(DOCKER.glob("*/bin/http-probe"))
    assert {probe.parents[1].name for probe in probes} >= {
        "alertmanager", "collector", "gpu-exporter", "grafana", "loki", "node-exporter", "prometheus",
    }  # fmt: skip
    assert len({probe.read_bytes() for probe in probes}) == 1
    assert all(probe.stat().st_mode & 0o111 for probe in probes)


def test_somebody_is_told_that_the_disk_fills_before_loki_takes_no_more_lines() -> None:
    threshold = settings()["ingester"]["wal"]["disk_full_threshold"]
    assert DISK_NEARLY_FULL < DISK_FULL < threshold
