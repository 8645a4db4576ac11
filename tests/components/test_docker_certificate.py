"""Docker has no secret with a certificate, and says so."""

from pathlib import Path

import pytest

from rehearsal import render
from rehearsal.errors import RehearsalError

PROGRAM = """
from components.platforms.docker import DockerPlatform
from components.workload import Resources, Workload

wanted = Workload(image="gateway:1", resources=Resources(memory_mib=64, cpus=1), certificate="bought")
DockerPlatform("local", {"stack": "test"}).run("gateway", wanted)
"""


def test_a_workload_with_a_certificate_is_refused_on_docker(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: kit\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    with pytest.raises(
        RehearsalError, match=r"certificate of workload gateway.*Put a proxy with TLS before it"
    ):
        render(tmp_path, "test")
