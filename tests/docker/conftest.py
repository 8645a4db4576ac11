"""What tests against a real Docker engine share: images built from docker/, and cleaning up by label."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from components.gateway.types import Route
from ops import base_image, trust
from tests.docker.gateway_external import ExternalRig
from tests.docker.gateway_rig import GatewayRig, StubEngine

ROOT = Path(__file__).parents[2]
LABEL = "slm-kit.test"

BuildImage = Callable[..., str]
MakeExternalRig = Callable[[str, Sequence[Route], Mapping[str, str]], ExternalRig]


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """The engine's client; tests are skipped where none answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as problem:
        pytest.skip(f"no Docker engine answers: {problem}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def test_label(docker_client: docker.DockerClient) -> Iterator[dict[str, str]]:
    """Labels for everything a test makes; what carries them is removed at the end of the session."""
    value = f"{os.getpid()}"
    yield {LABEL: value}
    chosen: dict[str, Any] = {"label": f"{LABEL}={value}"}
    for container in docker_client.containers.list(all=True, filters=chosen):
        container.remove(force=True, v=True)
    for network in docker_client.networks.list(filters=chosen):
        network.remove()
    for volume in docker_client.volumes.list(filters=chosen):
        volume.remove(force=True)


@pytest.fixture(scope="session")
def bases() -> tuple[str, str]:
    """Base and build base of this machine, made as `make up` makes them."""
    base = base_image.ensure_base("upstream" if base_image.registry_answers() else "build")
    return base, base_image.ensure_build_base(base, trust.find()) or base


@pytest.fixture(scope="session")
def build_image(bases: tuple[str, str]) -> BuildImage:
    """``build_image(folder, target="runtime") -> image id``: docker/<folder>, built once a session.

    Images stay: the builder's cache is what makes the next run short.
    """
    built: dict[tuple[str, str], str] = {}

    def build(folder: str, target: str = "runtime") -> str:
        if (folder, target) not in built:
            built[folder, target] = _build(folder, target, *bases)
        return built[folder, target]

    return build


def _build(folder: str, target: str, base: str, build_base: str) -> str:
    command = ["docker", "build", "--quiet", "--build-arg", f"BASE={base}"]
    command += ["--build-arg", f"BUILD_BASE={build_base}"]
    command += ["--target", target]
    done = subprocess.run(
        [*command, str(ROOT / "docker" / folder)],
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    if done.returncode:
        pytest.fail(f"docker/{folder} does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout.split()[-1]


@pytest.fixture(scope="session")
def gateway_images(build_image: BuildImage) -> tuple[str, str]:
    """The gateway's image, and its test stage, which holds the stub engine."""
    return build_image("gateway"), build_image("gateway", "test")


@pytest.fixture(scope="module")
def rig(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayRig]:
    """A gateway that is not started yet; one a test module."""
    made = GatewayRig(docker_client, gateway_images, test_label, tmp_path_factory.mktemp("gateway"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def external_rig(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MakeExternalRig]:
    """``external_rig(name, routes, credentials)``: a gateway with endpoints outside, not started yet."""
    with contextlib.ExitStack() as made:

        def make(name: str, routes: Sequence[Route], credentials: Mapping[str, str]) -> ExternalRig:
            folder = tmp_path_factory.mktemp(name)
            rig = ExternalRig(docker_client, gateway_images, test_label, folder)
            made.callback(rig.close)
            rig.routes, rig.credentials = tuple(routes), credentials
            return rig

        yield make


@pytest.fixture(scope="module")
def engine(rig: GatewayRig) -> StubEngine:
    """The engine of the models ``tiny`` and ``free``."""
    return rig.engine("engine")


@pytest.fixture(scope="module")
def gateway(rig: GatewayRig, engine: StubEngine) -> GatewayRig:
    """A gateway that serves, with ``engine`` up behind it."""
    rig.write_config()
    rig.write_keys()
    rig.start()
    rig.wait_until_up("tiny")
    rig.wait_until_up("free")
    engine.clear()
    return rig
