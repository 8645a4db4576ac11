"""``python -m onnx_server``: what the image runs."""

import signal
import sys
from types import FrameType

_INTERRUPTED = 128 + signal.SIGTERM


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    # The first process of a container has no default action for SIGTERM: without this, stopping
    # it while it loads takes until it is killed. Once it serves, the server drains instead.
    signal.signal(signal.SIGTERM, _end)
    from onnx_server.cli import main

    sys.exit(main())
