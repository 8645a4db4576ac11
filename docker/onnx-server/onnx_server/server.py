"""Puts the layers together, listens, and goes down in order."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from onnx_server.core.engine import Engine
from onnx_server.web.app import Api
from onnx_server.web.lifecycle import Lifecycle

_log = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 75
"""Longer than a proxy keeps an idle connection, so that it is never the server that closes it
under a request on its way."""
_LAST_BYTES_SECONDS = 5
_LOOK_EVERY_SECONDS = 0.05


class _Server(uvicorn.Server):
    """uvicorn closes its port on SIGTERM; here requests are refused properly until the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to :func:`serve`."""
        yield


async def serve(api: Api, listener: socket.socket, *, drain_seconds: float, linger_seconds: float = 0) -> int:
    """Serve until SIGTERM, SIGINT or the engine's death; the exit code."""
    config = uvicorn.Config(
        api.app(),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_LAST_BYTES_SECONDS,
    )
    server = _Server(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeper = asyncio.create_task(
        _keep(server, api.services.engine, api.lifecycle, stop, linger_seconds, drain_seconds)
    )
    await server.serve(sockets=[listener])
    await keeper
    return 1 if api.services.engine.failure else 0


async def _keep(
    server: uvicorn.Server,
    engine: Engine,
    lifecycle: Lifecycle,
    stop: asyncio.Event,
    linger_seconds: float,
    drain_seconds: float,
) -> None:
    """Wait for a reason to end, let those who ask /ready turn away, drain, end."""
    while not stop.is_set() and engine.alive:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY_SECONDS * 10)
    lifecycle.leaving = stop.is_set()
    if lifecycle.leaving and engine.alive:
        await asyncio.sleep(linger_seconds)
    lifecycle.draining = lifecycle.leaving
    patience = drain_seconds if engine.alive else _LAST_BYTES_SECONDS
    _log.info("draining", extra={"fields": {"open": lifecycle.open_requests, "s": patience}})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while lifecycle.open_requests:
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    await asyncio.to_thread(engine.close)
    server.should_exit = True
