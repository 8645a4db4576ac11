"""Around every request: its id, one log line, one count. Never prompts, never answers."""

import logging
import re
import time
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from onnx_server.web.generation import Generation
from onnx_server.web.lifecycle import Lifecycle
from onnx_server.web.metrics import Metrics

_log = logging.getLogger("onnx_server.request")
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_ENDPOINTS = {"/v1/chat/completions": "chat", "/v1/completions": "completions"}


@dataclass(slots=True)
class Record:
    """What is known of one request when it ends."""

    request_id: str
    started_at: float = field(default_factory=time.monotonic)
    status: int = 0
    code: str | None = None
    model: str | None = None
    stream: bool = False
    generation: Generation | None = None

    def outcome(self) -> str:
        """One of metrics.OUTCOMES."""
        by_code = {"queue_full": "full", "shutting_down": "draining"}
        if self.generation:
            return self.generation.outcome()
        if self.code in by_code:
            return by_code[self.code]
        if not self.status or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "failed"
        return "refused" if self.status >= HTTPStatus.BAD_REQUEST else "ok"

    def line(self) -> dict[str, Any]:
        """The fields of the log line; times in milliseconds."""
        fields: dict[str, Any] = {
            "request_id": self.request_id,
            "status": self.status,
            "outcome": self.outcome(),
            "code": self.code,
            "model": self.model,
            "stream": self.stream,
            "total_ms": _ms(time.monotonic() - self.started_at),
        }
        if self.generation:
            first = self.generation.tickets[0]
            fields |= self.generation.usage()
            if first.admitted_at:
                fields["queue_ms"] = _ms(first.admitted_at - first.submitted_at)
            if first.first_token_at:
                fields["first_token_ms"] = _ms(first.first_token_at - first.submitted_at)
        return fields


class RecordMiddleware:
    """Gives each request a :class:`Record` as ``request.state.record`` and writes it at the end."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, lifecycle: Lifecycle) -> None:
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        record = Record(given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex)
        scope.setdefault("state", {})["record"] = record

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = record.request_id
            await send(message)

        endpoint = _ENDPOINTS.get(scope["path"])
        if not endpoint:
            await self._app(scope, receive, sending)
            return
        try:
            with self._lifecycle.request():
                await self._app(scope, receive, sending)
        finally:
            self._metrics.requests.labels(endpoint, record.outcome()).inc()
            _log.info("request", extra={"fields": {"endpoint": endpoint, **record.line()}})


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
