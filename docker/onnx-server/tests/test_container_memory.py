"""What the server says of its container's memory: from made cgroup folders, and from its own."""

from pathlib import Path

import pytest
from onnx_server import host
from onnx_server.host import ContainerMemory
from onnx_server.web.metrics import ContainerCollector
from prometheus_client import CollectorRegistry, generate_latest
from server_process import ServerProcess

V2 = {
    "memory.current": "5000\n",
    "memory.max": "9000\n",
    "memory.stat": "anon 3000\ninactive_file 1200\nactive_file 800\n",
    "memory.events": "low 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 0\n",
}
V1 = {
    "memory/memory.usage_in_bytes": "5000\n",
    "memory/memory.limit_in_bytes": "9000\n",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 1200\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
}
MIB = 1 << 20


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (V2, ContainerMemory(3800, 9000, 2)),
        ({**V2, "memory.max": "max\n"}, ContainerMemory(3800, None, 2)),
        ({**V2, "memory.current": "1000\n"}, ContainerMemory(0, 9000, 2)),
        ({"memory.current": "5000"}, ContainerMemory(5000, None, None)),
        (V1, ContainerMemory(3800, 9000, 2)),
        ({**V1, "memory/memory.limit_in_bytes": "9223372036854771712"}, ContainerMemory(3800, None, 2)),
        ({}, ContainerMemory(None, None, None)),
    ],
)
def test_memory_and_kills_are_read_from_both_versions_of_cgroups(
    tmp_path: Path, files: dict[str, str], found: ContainerMemory
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert host.container_memory(tmp_path) == found


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        (
            ContainerMemory(3800, 9000, 2),
            [
                "onnx_container_memory_bytes 3800.0",
                "onnx_container_memory_limit_bytes 9000.0",
                "onnx_container_oom_kills_total 2.0",
            ],
        ),
        (
            ContainerMemory(0, None, 0),
            ["onnx_container_memory_bytes 0.0", "onnx_container_oom_kills_total 0.0"],
        ),
        (ContainerMemory(None, None, None), []),
    ],
)
def test_what_the_kernel_does_not_say_has_no_series(known: ContainerMemory, lines: list[str]) -> None:
    registry = CollectorRegistry()
    registry.register(ContainerCollector(lambda: known))
    shown = generate_latest(registry).decode().splitlines()
    assert [line for line in shown if not line.startswith("#")] == lines


def test_the_memory_metric_is_the_containers_and_is_read_at_each_scrape(server: ServerProcess) -> None:
    before = server.metric("onnx_container_memory_bytes")
    held = b"x" * (96 * MIB)  # by another process of the container
    grown = server.metric("onnx_container_memory_bytes") - before
    assert grown > 80 * MIB, f"{len(held)} bytes more are held"
    assert server.metric("onnx_container_oom_kills_total") >= 0


def test_the_limit_metric_is_there_where_the_container_has_a_limit(server: ServerProcess) -> None:
    limit = host.container_memory().limit
    shown = "onnx_container_memory_limit_bytes " in server.http.get("/metrics").text
    assert shown is (limit is not None)


def test_the_start_of_the_server_is_told(server: ServerProcess) -> None:
    assert server.metric("process_start_time_seconds") > 0
