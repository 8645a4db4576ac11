"""What the ONNX server reads of its container's memory, against a container that really reaches its limit."""

import json
from collections.abc import Callable

import docker
import pytest

pytestmark = pytest.mark.docker

MIB = 2**20
LIMIT_MIB = 128
# The kernel kills the child, which has most of the memory; what reads the numbers lives on.
PROGRAM = f"""
import dataclasses, json, subprocess, sys
from onnx_server.host import container_memory
eat = [sys.executable, "-c", "x = b'x' * ({2 * LIMIT_MIB} << 20)"]
codes = [subprocess.run(eat).returncode for _ in range(2)]
held = b"x" * (48 << 20)
print(json.dumps([codes, dataclasses.asdict(container_memory())]))
"""


def test_the_memory_its_limit_and_the_killed_children_are_what_docker_was_told(
    build_image: Callable[..., str], docker_client: docker.DockerClient, test_label: dict[str, str]
) -> None:
    output = docker_client.containers.run(
        build_image("onnx-server"),
        ["-c", PROGRAM],
        entrypoint="python",
        mem_limit=f"{LIMIT_MIB}m",
        memswap_limit=f"{LIMIT_MIB}m",
        read_only=True,
        cap_drop=["ALL"],
        network_mode="none",
        labels=test_label,
        remove=True,
    )
    codes, memory = json.loads(output)
    assert codes == [-9, -9]
    assert memory["oom_kills"] == 2
    assert memory["limit"] == LIMIT_MIB * MIB
    assert 48 * MIB < memory["used"] < 96 * MIB
