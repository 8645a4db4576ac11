"""One HTTP request's answers: submitted together, collected from the engine thread."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from onnx_server.core.engine import Engine
from onnx_server.core.ticket import Event, Finish, Request, Sink
from onnx_server.text.answer import Answer, Piece
from onnx_server.text.codec import TextCodec
from onnx_server.web.errors import draining, engine_failed
from onnx_server.web.metrics import Metrics
from onnx_server.web.schemas import Options

Prompt = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Services:
    """What every generation needs."""

    engine: Engine
    codec: TextCodec
    metrics: Metrics


class Generation:
    """``n`` answers to each prompt; answer i belongs to prompt ``i // n``.

    Creating one submits it, so it raises what :meth:`Engine.submit` raises. Iterating gives
    ``(answer number, piece)`` until every answer has ended.
    """

    def __init__(
        self,
        services: Services,
        prompts: Sequence[Prompt],
        options: Options,
        token_limit: int | None,
    ) -> None:
        engine, codec = services.engine, services.codec
        self._engine = engine
        self._metrics = services.metrics
        self._events: asyncio.Queue[tuple[int, Event]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        each = [prompt for prompt in prompts for _ in range(options.n)]
        requests = [
            Request(
                prompt,
                token_limit or max(engine.context_length - len(prompt), 1),
                options.sampling(number),
                codec.stop_tokens,
            )
            for number, prompt in enumerate(each)
        ]
        self.prompt_tokens = sum(map(len, prompts))
        self.answers = [Answer(codec.detokenizer(), options.stops) for _ in each]
        self.tickets = engine.submit(requests, [self._sink(i) for i in range(len(each))])
        self._last_at = [0.0] * len(each)

    @property
    def completion_tokens(self) -> int:
        """Tokens of all answers so far."""
        return sum(answer.tokens for answer in self.answers)

    def usage(self) -> dict[str, int]:
        """OpenAI's usage object."""
        prompt, completion = self.prompt_tokens, self.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }

    def cancel(self) -> None:
        """The client has gone: free the slots at the next step."""
        self._engine.cancel(self.tickets)

    def outcome(self) -> str:
        """``ok``, or how the first answer that did not end well ended."""
        for answer in self.answers:
            if answer.finish in (None, Finish.CANCELLED):
                return "cancelled"
            if answer.finish in (Finish.FAILED, Finish.CLOSED):
                return "failed"
        return "ok"

    async def __aiter__(self) -> AsyncIterator[tuple[int, Piece]]:
        """Pieces as they come. Raises ApiError when the engine ended before the answers did."""
        open_answers = len(self.answers)
        while open_answers:
            number, event = await self._events.get()
            answer = self.answers[number]
            if answer.finish:
                continue
            self._observe(number, event)
            piece = answer.feed(event)
            if piece.finish is Finish.FAILED:
                raise engine_failed()
            if piece.finish is Finish.CLOSED:
                raise draining()
            if piece.finish:
                open_answers -= 1
                if not event.finish:  # a stop sequence: the engine does not know
                    self._engine.cancel([self.tickets[number]])
            if piece.text or piece.finish:
                yield number, piece

    def _sink(self, number: int) -> Sink:
        def sink(event: Event) -> None:
            # The loop is closed only when the process ends; nobody waits for the event then.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._events.put_nowait, (number, event))
                if event.finish:
                    self._loop.call_soon_threadsafe(self._ended, number)

        return sink

    def _ended(self, number: int) -> None:
        self._metrics.ended(self.tickets[number])

    def _observe(self, number: int, event: Event) -> None:
        if event.token is None:
            return
        self._metrics.generation_tokens.inc()
        if self._last_at[number]:
            self._metrics.inter_token.observe(event.at - self._last_at[number])
        self._last_at[number] = event.at
