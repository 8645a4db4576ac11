"""The stack that this suite looks at.

Its first `up` is killed on its way: what the tests see is what the second one made of the pieces.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.stack.rig import UP_SECONDS, Stack, new_stack

NAME = "test-stack"
PORT = 18181


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    made = new_stack(NAME, PORT, folder)
    try:
        _killed_up(made)
        made.first_up = made.must("up")
        made.key = made.must("key").strip().splitlines()[-1]
        yield made
    finally:
        done = made.ops("down")
    # What down leaves behind fails the suite here.
    assert done.returncode == 0, done.stdout
    assert made.left() == {"containers": [], "networks": [], "volumes": [], "images": []}


def _killed_up(made: Stack) -> None:
    """Start an `up` and kill it, with all its children, once it has begun to create containers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "up", "--runner", "rehearsal", "--stack", made.name],
        cwd=made.checkout, env=made.environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = time.monotonic() + UP_SECONDS
    try:
        while process.poll() is None and not made.containers():
            assert time.monotonic() < deadline, "no container appeared"
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
