"""Server-sent events, and noticing that a client has gone."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from onnx_server.web.errors import ApiError
from onnx_server.web.generation import Generation
from onnx_server.web.shapes import Envelope

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"


@contextlib.asynccontextmanager
async def watch(receive: Receive, gone: Callable[[], None]) -> AsyncIterator[None]:
    """Call ``gone`` when the client disconnects while the body of the block runs."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone()

    task = asyncio.create_task(wait())
    try:
        yield
    finally:
        task.cancel()


class EventStream:
    """An ASGI response. Its status is sent with the first chunk, so a failure before is a 5xx."""

    def __init__(self, generation: Generation, envelope: Envelope, *, usage: bool) -> None:
        self._generation = generation
        self._envelope = envelope
        self._usage = usage

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send every chunk as soon as it is there; the end is always proper."""
        started = False
        try:
            async with watch(receive, self._generation.cancel):
                async for chunk in self._chunks():
                    if not started:
                        await send(_start())
                        started = True
                    await send(_body(chunk, more=True))
                    # With the next chunk already there nothing else would let the loop notice
                    # that the client has gone.
                    await asyncio.sleep(0)
        except ApiError as error:
            if not started:
                raise
            await send(_body(_event(error.body()), more=True))
        finally:
            self._generation.cancel()
        await send(_body(b"", more=False))

    async def _chunks(self) -> AsyncIterator[bytes]:
        opened: set[int] = set()
        extra = {"usage": None} if self._usage else {}
        async for number, piece in self._generation:
            opening = None if number in opened else self._envelope.opening(number)
            usage = self._known(first=not opened)
            opened.add(number)
            chunks = [opening] if opening else []
            chunks += self._envelope.pieces(number, piece)
            events = [_event({**chunk, **extra}) for chunk in chunks]
            if usage:
                events.insert(-1, _note(usage))
            yield b"".join(events)
        if self._usage:
            yield _event(self._envelope.usage(self._generation.usage()))
        yield DONE

    def _known(self, *, first: bool) -> dict[str, int] | None:
        """What is told with the first chunk, for who leaves early, and with the one that ends the last."""
        usage = self._generation.usage()
        if all(answer.finish for answer in self._generation.answers):
            return usage
        return {"prompt_tokens": usage["prompt_tokens"]} if first else None


def _note(usage: dict[str, int]) -> bytes:
    """A comment, which clients of server-sent events skip: for the gateway, which counts tokens by key."""
    return b": " + json.dumps({"usage": usage}, separators=(",", ":")).encode() + b"\n\n"


def _event(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


def _start() -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": _HEADERS}


def _body(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}
