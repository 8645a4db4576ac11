"""What watching takes, at rest."""

from collections.abc import Callable
from typing import Any

import docker
import pytest

from components.monitoring.memory import ALWAYS
from tests.stack.rig import Stack

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("loaded")]
MOST_MB = 350


def test_the_set_takes_at_most_350_mb_without_grafana(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    client = docker.from_env()
    used = {}
    for part in ALWAYS:
        (name,) = stack.containers(part)
        found: Any = client.containers.get(name).stats(stream=False)
        memory, stats = found["memory_stats"], found["memory_stats"]["stats"]
        # Without page cache that the kernel drops before it kills: cgroup v1, or v2.
        used[part] = (memory["usage"] - stats.get("total_inactive_file", stats.get("inactive_file", 0))) / 1e6
    shown = ", ".join(f"{part} {megabytes:.0f}" for part, megabytes in used.items())
    record_property("shown", f"monitoring at rest: {sum(used.values()):.0f} MB ({shown})")
    assert sum(used.values()) <= MOST_MB, shown
