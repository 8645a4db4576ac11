"""A real Docker engine, and a label by which everything made here is removed again."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import docker
import pytest
from docker.errors import ImageNotFound, NotFound

from rehearsal.backend import Existing, Properties
from rehearsal.docker_backend import DockerBackend

LABEL = "rehearsal-docker-test"
BASES = ("slm-kit/base:trixie", "debian:trixie-slim")

NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/image:Image"
REMOTE_IMAGE = "docker:index/remoteImage:RemoteImage"


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The engine; tests marked `docker` are skipped where none answers."""
    found = docker.from_env()
    yield found
    found.close()


@pytest.fixture(scope="session")
def base(client: docker.DockerClient) -> str:
    """A Debian image that is on the engine."""
    for name in BASES:
        try:
            client.images.get(name)
        except ImageNotFound:
            continue
        return name
    pytest.skip(f"none of {', '.join(BASES)} is on the engine")


@pytest.fixture(scope="session")
def run_id(client: docker.DockerClient) -> Iterator[str]:
    """The label's value for this run; everything that carries it goes at the end."""
    value = uuid.uuid4().hex[:12]
    wanted: dict[str, Any] = {"label": f"{LABEL}={value}"}
    yield value
    for container in client.containers.list(all=True, filters=wanted):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters=wanted):
        network.remove()
    for volume in client.volumes.list(filters=wanted):
        volume.remove(force=True)
    for image in client.images.list(filters=wanted):
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def backend(client: docker.DockerClient) -> Iterator[DockerBackend]:
    """The backend under test, on the engine that answered."""
    del client
    made = DockerBackend()
    yield made
    made.close()


@dataclass
class Hands:
    """Does what the engine does with a backend: check, create, keep what came out."""

    backend: DockerBackend
    labels: list[dict[str, str]]
    base: str
    said: list[str] = field(default_factory=list)
    made: list[tuple[str, Existing]] = field(default_factory=list)

    def check(self, token: str, name: str, /, **inputs: Any) -> Properties:
        """Checked inputs, labelled for the clean-up."""
        if token != IMAGE and token != REMOTE_IMAGE:
            inputs = {"labels": self.labels, **inputs}
        if token == CONTAINER:
            inputs = {"image": self.base, **inputs}
        return self.backend.check(token, name, inputs, None)

    def create(self, token: str, name: str, /, **inputs: Any) -> Existing:
        """Check and create."""
        checked = self.check(token, name, **inputs)
        urn = f"urn:pulumi:test::rehearsal::{token}::{name}"
        made = self.backend.create(token, urn, checked, self.said.append)
        self.made.append((token, made))
        return made

    def sleeper(self, name: str, /, **inputs: Any) -> Existing:
        """A container that only sleeps, and dies at once when told to."""
        return self.create(
            CONTAINER, name, command=["sleep", "600"], destroyGraceSeconds=1, init=True, **inputs
        )

    def refreshed(self, token: str, existing: Existing) -> Existing | None:
        """Read as the engine does: from the inputs and outputs in its state."""
        return self.backend.read(token, existing.id, {**existing.inputs, **existing.outputs})

    def delete(self, token: str, existing: Existing) -> None:
        """Delete as the engine would."""
        self.backend.delete(token, existing.id, existing.outputs, self.said.append)

    def delete_all(self) -> None:
        """Delete in the opposite order of creation."""
        while self.made:
            self.delete(*self.made.pop())


@pytest.fixture
def hands(backend: DockerBackend, run_id: str, base: str) -> Iterator[Hands]:
    """The engine's part, with everything deleted after the test."""
    made = Hands(backend, [{"label": LABEL, "value": run_id}], base)
    yield made
    made.delete_all()


@pytest.fixture
def inside(client: docker.DockerClient) -> Callable[[str, str], str]:
    """Run a shell line in a container and give what it printed."""

    def run(id_: str, line: str) -> str:
        code, output = client.containers.get(id_).exec_run(["sh", "-c", line])
        text = cast(bytes, output).decode().strip()
        assert code == 0, f"{line!r} ended with {code}: {text}"
        return text

    return run


@pytest.fixture
def gone(client: docker.DockerClient) -> Callable[[str], bool]:
    """Whether a container does not exist."""

    def look(id_: str) -> bool:
        try:
            client.containers.get(id_)
        except NotFound:
            return True
        return False

    return look
