"""The routes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from onnx_server.core.errors import EngineStoppedError, QueueFullError, RequestRefusedError
from onnx_server.core.ticket import Finish
from onnx_server.web import errors
from onnx_server.web.errors import ApiError
from onnx_server.web.generation import Generation, Prompt, Services
from onnx_server.web.lifecycle import Lifecycle
from onnx_server.web.metrics import CONTENT_TYPE
from onnx_server.web.record import Record, RecordMiddleware
from onnx_server.web.schemas import ChatRequest, CompletionRequest, Options, parse
from onnx_server.web.shapes import ChatShape, Envelope, Shape, TextShape
from onnx_server.web.streaming import EventStream, watch

MAX_BODY_BYTES = 4 * 1024 * 1024
"""More than any context length of a small model needs (about 100 bytes a token of 32,768)."""
CLIENT_GONE = 499
"""nginx's number for a client that left; only the log ever shows it."""


@dataclass
class Api:
    """The handlers and what they share."""

    services: Services
    lifecycle: Lifecycle
    model: str
    started_at: int = field(default_factory=lambda: int(time.time()))

    def app(self) -> Starlette:
        """The ASGI application."""
        handlers = dict.fromkeys(
            (ApiError, RequestRefusedError, QueueFullError, EngineStoppedError), errors.on_api_error
        )
        app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/completions", self.completions, methods=["POST"]),
                Route("/v1/embeddings", self.embeddings, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/v1/models/{model:path}", self.retrieve_model),
                Route("/health", self.health),
                Route("/ready", self.ready),
                Route("/metrics", self.show_metrics),
            ],
            middleware=[
                Middleware(RecordMiddleware, metrics=self.services.metrics, lifecycle=self.lifecycle)
            ],
            exception_handlers={
                **handlers,
                HTTPException: errors.on_http_error,
                Exception: errors.on_crash,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def chat(self, request: Request) -> ASGIApp:
        """``POST /v1/chat/completions``."""
        options = parse(ChatRequest, await self._body(request))
        messages = [message.plain() for message in options.messages]
        self._check_model(options.model)
        engine = self.services.engine
        engine.check_count(options.n)
        prompt = await asyncio.to_thread(self.services.codec.encode_chat, messages, engine.context_length)
        return await self._answer(request, ChatShape, [prompt], options, options.token_limit)

    async def completions(self, request: Request) -> ASGIApp:
        """``POST /v1/completions``."""
        options = parse(CompletionRequest, await self._body(request))
        self._check_model(options.model)
        given, engine = options.prompts, self.services.engine
        engine.check_count(len(given) * options.n)
        prompts = [
            await asyncio.to_thread(self.services.codec.encode, prompt, engine.context_length)
            if isinstance(prompt, str)
            else tuple(prompt)
            for prompt in given
        ]
        return await self._answer(request, TextShape, prompts, options, options.max_tokens)

    async def embeddings(self, _request: Request) -> ASGIApp:
        """``POST /v1/embeddings``: this server has language models only."""
        raise ApiError(
            400,
            f"embeddings: {self.model!r} is no embedding model; use /v1/chat/completions",
            code="unsupported_endpoint",
        )

    async def models(self, _request: Request) -> Response:
        """``GET /v1/models``."""
        return JSONResponse({"object": "list", "data": [self._model_object()]})

    async def retrieve_model(self, request: Request) -> Response:
        """``GET /v1/models/<id>``."""
        self._check_model(request.path_params["model"])
        return JSONResponse(self._model_object())

    async def health(self, _request: Request) -> Response:
        """Live: restart the container when this fails."""
        if not self.services.engine.alive:
            raise errors.engine_failed()
        return JSONResponse({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """Ready: send requests here."""
        if self.lifecycle.leaving:
            raise errors.draining()
        return await self.health(request)

    async def show_metrics(self, _request: Request) -> Response:
        """``GET /metrics``."""
        return Response(self.services.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _answer(
        self,
        request: Request,
        shape: Shape,
        prompts: Sequence[Prompt],
        options: Options,
        token_limit: int | None,
    ) -> ASGIApp:
        record: Record = request.state.record
        record.model, record.stream = self.model, options.stream
        if self.lifecycle.draining:
            raise errors.draining()
        generation = Generation(self.services, prompts, options, token_limit)
        record.generation = generation
        envelope = Envelope(shape, self.model)
        if options.stream:
            return EventStream(generation, envelope, usage=options.include_usage)
        texts = [""] * len(generation.answers)
        async with watch(request.receive, generation.cancel):
            async for number, piece in generation:
                texts[number] += piece.text
        if generation.outcome() == "cancelled":
            return Response(status_code=CLIENT_GONE)
        ends = [answer.finish or Finish.STOP for answer in generation.answers]
        choices = list(zip(texts, ends, strict=True))
        return JSONResponse(envelope.whole(choices, generation.usage()))

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise ApiError(
                        413,
                        f"the body exceeds {MAX_BODY_BYTES} bytes: shorten the prompt",
                        code="body_too_large",
                    )
        except ClientDisconnect:
            raise ApiError(400, "the body is not complete", code="client_gone") from None
        return bytes(body)

    def _check_model(self, name: str) -> None:
        if name != self.model:
            raise ApiError(
                404,
                f"this server has no such model: it serves {self.model!r}",
                code="model_not_found",
                param="model",
            )

    def _model_object(self) -> dict[str, object]:
        return {
            "id": self.model,
            "object": "model",
            "created": self.started_at,
            "owned_by": "slm-kit",
            "max_model_len": self.services.engine.context_length,
        }
