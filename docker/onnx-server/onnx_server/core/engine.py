"""The engine thread: takes requests from any thread, runs the scheduler's steps in its own."""

import logging
import threading
from collections.abc import Sequence

from onnx_server.core.errors import EngineStoppedError, QueueFullError, RequestRefusedError
from onnx_server.core.runner import Runner
from onnx_server.core.scheduler import Scheduler, Stats
from onnx_server.core.ticket import Finish, Request, Sink, Ticket

_log = logging.getLogger(__name__)


class Engine:
    """Continuous batching over one :class:`Runner`.

    ``submit`` and ``cancel`` may be called from any thread and never wait for a step. If the
    thread dies, every open request ends with ``Finish.FAILED`` and ``alive`` turns False.
    """

    def __init__(self, runner: Runner, *, queue_limit: int) -> None:
        self._runner = runner
        self._scheduler = Scheduler(runner, self._on_end)
        self._capacity = runner.kv.slots + queue_limit
        self._changed = threading.Condition()
        self._inbox: list[Ticket] = []
        self._outstanding = 0
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self.failure: BaseException | None = None

    @property
    def context_length(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return self._runner.kv.length

    @property
    def alive(self) -> bool:
        """False once the engine thread has died or ended."""
        return self.failure is None and self._thread.is_alive()

    @property
    def outstanding(self) -> int:
        """Requests that have not got their last event."""
        return self._outstanding

    def start(self) -> None:
        """Start the engine thread."""
        self._thread.start()

    def submit(self, requests: Sequence[Request], sinks: Sequence[Sink]) -> list[Ticket]:
        """Queue all of ``requests`` or none of them.

        Raises RequestRefusedError (never servable), QueueFullError or EngineStoppedError.
        """
        self.check_count(len(requests))
        for request in requests:
            self._check(request)
        tickets = [Ticket(r, sink) for r, sink in zip(requests, sinks, strict=True)]
        with self._changed:
            if self._closed or self.failure:
                raise EngineStoppedError("the engine has stopped")
            if self._outstanding + len(tickets) > self._capacity:
                raise QueueFullError(
                    f"all {self._capacity} places (slots and queue) are taken: try again later"
                )
            self._outstanding += len(tickets)
            self._inbox.extend(tickets)
            self._changed.notify()
        return tickets

    def check_count(self, answers: int) -> None:
        """Refuse more answers in one request than there are places; to be asked before they are made."""
        if answers > self._capacity:
            raise RequestRefusedError(
                f"{answers} answers in one request exceed the limit of {self._capacity} "
                "(slots and queue): ask for fewer",
                "invalid_value",
            )

    def cancel(self, tickets: Sequence[Ticket]) -> None:
        """End ``tickets`` at the next step. What has ended already is left alone."""
        for ticket in tickets:
            ticket.cancelled = True

    def close(self) -> None:
        """End everything that is left with Finish.CLOSED and stop the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def stats(self) -> Stats:
        """Numbers for metrics."""
        return self._scheduler.stats()

    def _check(self, request: Request) -> None:
        vocab, limit = self._runner.info.vocab_size, self.context_length
        size, answer = len(request.prompt), max(request.max_tokens, 1)
        if not request.prompt:
            raise RequestRefusedError("the prompt has no tokens: send at least one", "empty_prompt")
        if request.max_tokens < 1 or size + answer > limit:
            raise RequestRefusedError(
                f"{size} prompt tokens and {answer} for the answer exceed the context length of "
                f"{limit} tokens: shorten the prompt or lower max_tokens",
                "context_length_exceeded",
            )
        # An id outside of the embedding would end the engine thread, and with it everybody.
        if not all(0 <= token < vocab for token in request.prompt):
            raise RequestRefusedError(f"a prompt token lies outside of 0..{vocab - 1}", "invalid_value")

    def _loop(self) -> None:
        try:
            while self._take_inbox():
                self._scheduler.step()
            self._scheduler.end_all(Finish.CLOSED)
        except BaseException as error:  # whatever it is, nobody may wait for it in vain
            _log.critical("the engine thread died", exc_info=True)
            with self._changed:
                self.failure = error
                self._scheduler.add(self._inbox)
            self._scheduler.end_all(Finish.FAILED)

    def _take_inbox(self) -> bool:
        """Wait for something to do; False when the engine was closed."""
        with self._changed:
            while not (self._inbox or self._scheduler.busy or self._closed):
                self._changed.wait()
            self._scheduler.add(self._inbox)
            self._inbox.clear()
            return not self._closed

    def _on_end(self, _ticket: Ticket) -> None:
        with self._changed:
            self._outstanding -= 1
