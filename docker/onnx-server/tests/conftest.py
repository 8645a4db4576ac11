"""Fixtures: the tiny fp32 model, the real one where it is mounted, real server processes."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from onnx_server.core.model import ModelInfo, load_info
from server_process import ServerProcess

StartServer = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """tests/data/tiny-random-llama-onnx, mounted at /data unless TINY_MODEL says where."""
    folder = Path(os.environ.get("TINY_MODEL", "/data/tiny-random-llama-onnx"))
    if not folder.is_dir():
        pytest.fail(f"{folder} is missing: mount tests/data at /data or set TINY_MODEL")
    return folder


@pytest.fixture(scope="session")
def tiny_info(tiny_model: Path) -> ModelInfo:
    return load_info(tiny_model)


@pytest.fixture
def tiny_copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    return folder


@pytest.fixture
def own_logging() -> Iterator[None]:
    """For tests that call ``main``: it gives the root logger a handler of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def real_model() -> Path:
    folder = Path(os.environ.get("REAL_MODEL", "/models/smollm2"))
    if not folder.is_dir():
        pytest.skip(f"no real model: mount one at {folder}")
    return folder


@pytest.fixture
def start_server(tiny_model: Path) -> Iterator[StartServer]:
    """Starts ``onnx-server`` processes; each is stopped at the end."""
    running: list[ServerProcess] = []

    def start(*options: str, model: Path = tiny_model, code: str | None = None) -> ServerProcess:
        server = ServerProcess(model, options, code=code)
        running.append(server)
        return server.wait_until_ready()

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def server(tiny_model: Path) -> Iterator[ServerProcess]:
    """One server for the tests that leave it as it was: 4 slots, 4 places in the queue."""
    process = ServerProcess(tiny_model, ("--slots", "4", "--queue", "4"))
    yield process.wait_until_ready()
    process.stop()
