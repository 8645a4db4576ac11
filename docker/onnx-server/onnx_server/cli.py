"""``onnx-server``: check, load, serve."""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Sequence

from onnx_server import host, logs
from onnx_server.build import build
from onnx_server.core.errors import ModelRefusedError, UnverifiedModelError
from onnx_server.core.manifest import verify
from onnx_server.core.model import ModelInfo, load_info
from onnx_server.server import serve
from onnx_server.settings import Settings, parse_settings

CONFIG, HOST, UNVERIFIED = 2, 3, 4
_DEFAULT_CONTEXT = 4096
_OVERHEAD_BYTES = 100 << 20
"""Interpreter, libraries and scratch memory at the least: who set the limit computed more closely (80 MiB for
two slots of 512 tokens, and 15 % above all), and must not be refused here."""
_log = logging.getLogger(__name__)


class _HostError(Exception):
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the exit code (see ``--help``)."""
    settings = parse_settings(arguments)
    logs.configure()
    try:
        return _run(settings)
    except UnverifiedModelError as error:
        return _fail(error, UNVERIFIED)
    except ModelRefusedError as error:
        return _fail(error, CONFIG)
    except _HostError as error:
        return _fail(error, HOST)


def _run(settings: Settings) -> int:
    started = time.monotonic()
    verified = verify(settings.model, allow_unverified=settings.allow_unverified)
    info = load_info(settings.model)
    length = _context_length(settings, info)
    _check_memory(settings, info, length)
    listener = _listen(settings)
    threads = settings.threads or host.default_threads()
    api = build(settings, info, context_length=length, threads=threads)
    facts = {
        "model": settings.served_name,
        "verified": verified,
        "context_length": length,
        "slots": settings.slots,
        "queue": settings.queue,
        "threads": threads,
        "kv_bytes": settings.slots * length * info.kv_bytes_per_token(),
        "port": settings.port,
        "start_ms": round((time.monotonic() - started) * 1000),
    }
    _log.info("serving", extra={"fields": facts})
    code = asyncio.run(
        serve(
            api,
            listener,
            drain_seconds=settings.drain_seconds,
            linger_seconds=settings.linger_seconds,
        )
    )
    _log.info("stopped", extra={"fields": {"exit_code": code}})
    return code


def _context_length(settings: Settings, info: ModelInfo) -> int:
    length = settings.context_length or min(info.context_length, _DEFAULT_CONTEXT)
    if length > info.context_length:
        raise ModelRefusedError(
            f"--context-length {length} exceeds the model's {info.context_length}: lower it"
        )
    return length


def _check_memory(settings: Settings, info: ModelInfo, length: int) -> None:
    weights = sum(file.stat().st_size for file in info.folder.glob("*.onnx*"))
    kv = settings.slots * length * info.kv_bytes_per_token()
    needed, limit = weights + kv + _OVERHEAD_BYTES, host.memory_limit()
    if needed > limit:
        raise _HostError(
            f"{settings.slots} slots of {length} tokens may need {needed >> 20} MiB, the limit is "
            f"{limit >> 20} MiB: lower --slots or --context-length, or raise the memory limit"
        )


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=512)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise _HostError(f"cannot listen on {where} ({error}): choose another --port") from error


def _fail(error: Exception, code: int) -> int:
    print(f"onnx-server: {error}", file=sys.stderr)
    return code
