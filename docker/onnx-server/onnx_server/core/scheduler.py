"""The step: admit, prefill one chunk, decode one token for everybody."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from onnx_server.core.runner import Runner
from onnx_server.core.sampling import choose
from onnx_server.core.slots import SlotTable
from onnx_server.core.ticket import Event, Finish, Ticket


@dataclass(frozen=True, slots=True)
class Stats:
    """A look from outside; each number is exact, together they may be a step apart."""

    waiting: int
    running: int
    slots: int
    kv_tokens: int
    kv_usage: float


class Scheduler:
    """Continuous batching, single-threaded. ``ended`` is called for every ticket that ends.

    A request joins at the next step if a slot is free; a cancelled one frees its slot at the
    next step. Several prompts are prefilled in turns of one chunk, between decode steps, so that
    neither a running answer nor a short prompt waits for a long prompt.
    """

    def __init__(self, runner: Runner, ended: Callable[[Ticket], None]) -> None:
        self._runner = runner
        self._ended = ended
        self._slots = SlotTable(runner.kv)
        self._waiting: deque[Ticket] = deque()
        self._prefilling: deque[Ticket] = deque()

    @property
    def busy(self) -> bool:
        """Whether a step has something to do."""
        return bool(self._waiting or self._prefilling or self._slots.decoding)

    def add(self, tickets: Iterable[Ticket]) -> None:
        """Put ``tickets`` at the end of the queue."""
        self._waiting.extend(tickets)

    def step(self) -> None:
        """Do one step."""
        self._drop_cancelled()
        self._admit()
        self._prefill()
        self._decode()

    def end_all(self, finish: Finish) -> None:
        """End whatever is left, without touching the buffers: they may be what failed."""
        left = [*self._waiting, *self._slots.tickets()]
        self._waiting.clear()
        self._prefilling.clear()
        self._slots = SlotTable(self._runner.kv)
        for ticket in left:
            ticket.row = -1
            self._end(ticket, None, finish, time.monotonic())

    def stats(self) -> Stats:
        """Numbers for metrics; callable from any thread."""
        kv = self._runner.kv
        tokens = int(kv.lengths.sum())
        return Stats(
            waiting=len(self._waiting),
            running=len(self._slots.tickets()),
            slots=kv.slots,
            kv_tokens=tokens,
            kv_usage=tokens / (kv.slots * kv.length),
        )

    def _drop_cancelled(self) -> None:
        for ticket in [*self._waiting, *self._slots.tickets()]:
            if ticket.cancelled:
                if ticket.row < 0:
                    self._waiting.remove(ticket)
                self._end(ticket, None, Finish.CANCELLED, time.monotonic())

    def _admit(self) -> None:
        while self._waiting and self._slots.take(self._waiting[0]):
            ticket = self._waiting.popleft()
            ticket.admitted_at = time.monotonic()
            self._prefilling.append(ticket)

    def _prefill(self) -> None:
        if not self._prefilling:
            return
        ticket = self._prefilling[0]
        prompt, done = ticket.request.prompt, ticket.prefilled
        ticket.prefilled = min(done + self._runner.chunk, len(prompt))
        logits = self._runner.prefill(ticket.row, prompt[done : ticket.prefilled])
        if ticket.prefilled < len(prompt):
            self._prefilling.rotate(-1)
            return
        self._prefilling.popleft()
        token = choose(logits, [ticket.chooser])[0]
        if not self._emit(ticket, token, time.monotonic()):
            self._slots.promote(ticket)

    def _decode(self) -> None:
        batch = self._slots.batch()
        if not batch:
            return
        logits = self._runner.decode([ticket.last_token for ticket in batch])
        tokens = choose(logits, [ticket.chooser for ticket in batch])
        at = time.monotonic()
        for ticket, token in zip(batch, tokens, strict=True):
            self._emit(ticket, token, at)

    def _emit(self, ticket: Ticket, token: int, at: float) -> bool:
        """Hand out one token; True when it was the last."""
        ticket.last_token = token
        ticket.generated += 1
        ticket.first_token_at = ticket.first_token_at or at
        if token in ticket.request.stop_tokens:
            self._end(ticket, token, Finish.STOP, at)
        elif ticket.generated == ticket.request.max_tokens:
            self._end(ticket, token, Finish.LENGTH, at)
        else:
            ticket.sink(Event(token, None, at))
            return False
        return True

    def _end(self, ticket: Ticket, token: int | None, finish: Finish, at: float) -> None:
        if ticket.row >= 0:
            self._slots.release(ticket)
        if ticket in self._prefilling:
            self._prefilling.remove(ticket)
        ticket.finished_at = at
        self._ended(ticket)
        ticket.sink(Event(token, finish, at))
