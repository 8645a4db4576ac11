"""The engine's image on its own, confined as the kit confines it: it serves, drains and ends well."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from openai import OpenAI

# The reaper is an image of a registry; the container below is removed by its own context.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer

from tests.conftest import ROOT

pytestmark = pytest.mark.docker
PORT = 8000
MODEL = "tiny"


@pytest.fixture(scope="module")
def engine(build_image: Callable[..., str]) -> Iterator[DockerContainer]:
    container = (
        DockerContainer(build_image("onnx-server"))
        .with_command(
            f"--model /data/tiny-random-llama-onnx --allow-unverified --served-name {MODEL} "
            "--context-length 256 --slots 2"
        )
        .with_volume_mapping(str(ROOT / "tests/data"), "/data", "ro")
        .with_exposed_ports(PORT)
        .with_kwargs(
            read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges:true"], mem_limit="400m"
        )
    )
    with container:
        deadline = time.monotonic() + 60
        while probe(container) != 0:
            assert time.monotonic() < deadline, container.get_logs()
            time.sleep(0.5)
        yield container


def probe(container: DockerContainer) -> int:
    """The health check as the kit gives it to Docker."""
    command = ["python3", "-m", "onnx_server.probe", f"http://127.0.0.1:{PORT}/ready"]
    return container.exec(command).exit_code or 0


def test_it_answers_the_openai_client(engine: DockerContainer) -> None:
    address = f"http://{engine.get_container_host_ip()}:{engine.get_exposed_port(PORT)}/v1"
    with OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        answer = client.completions.create(model=MODEL, prompt="a b c", max_tokens=5, temperature=0)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


def test_it_runs_as_the_kits_user_and_can_write_nowhere(engine: DockerContainer) -> None:
    assert engine.exec(["id", "-u"]).output.strip() == b"10001"
    for place in ("/tmp/x", "/opt/x", "/data/x"):
        assert engine.exec(["touch", place]).exit_code != 0, place


def test_sigterm_ends_it_with_zero(engine: DockerContainer) -> None:
    wrapped = engine.get_wrapped_container()
    wrapped.kill("SIGTERM")
    assert wrapped.wait(timeout=30)["StatusCode"] == 0
