"""A hub on the loopback, a client of it that does not really wait, and a catalog of two models."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.hub import Hub
from tests.unit.hub.fake_hub import GATED, PLAIN, FakeHub, served, small_hub, write_model


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with served(small_hub()) as hub:
        yield hub


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(fake: FakeHub, waits: list[float]) -> Iterator[Hub]:
    hub = Hub(fake.address, pause=waits.append)
    yield hub
    hub.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog of two models: `plain` with two variants of one repository, and `gated`."""
    write_model(
        tmp_path, "plain", PLAIN, [{"patterns": ["*.safetensors", "*.json"]}, {"patterns": ["*.json"]}]
    )
    write_model(tmp_path, "gated", GATED, [{"patterns": ["*.safetensors"]}])
    return tmp_path
