"""Which ticket sits in which row. Rows ``0..decoding`` always decode, without a hole.

An idle row inside the batch would cost as much as a busy one in every step (about 2 ms each for
a 135M model on two cores), so a hole is filled at once with the last decoding row. Rows are
exchanged, never overwritten, so that whatever a free row still holds survives the move.
"""

from onnx_server.core.kv import KvCache
from onnx_server.core.ticket import Ticket


class SlotTable:
    """Owns the order of rows in a :class:`KvCache`."""

    def __init__(self, kv: KvCache) -> None:
        self._kv = kv
        self._rows: list[Ticket | None] = [None] * kv.slots
        self.decoding = 0

    def batch(self) -> list[Ticket]:
        """The tickets that decode, in the order of their rows."""
        return [ticket for ticket in self._rows[: self.decoding] if ticket]

    def tickets(self) -> list[Ticket]:
        """Every ticket that holds a row."""
        return [ticket for ticket in self._rows if ticket]

    def take(self, ticket: Ticket) -> bool:
        """Give ``ticket`` the first free row; False when there is none."""
        if None not in self._rows:
            return False
        row = self._rows.index(None)
        self._rows[row] = ticket
        ticket.row = row
        self._kv.lengths[row] = 0
        return True

    def promote(self, ticket: Ticket) -> None:
        """Its prompt is complete: it decodes from the next step on."""
        self._swap(ticket.row, self.decoding)
        self.decoding += 1

    def release(self, ticket: Ticket) -> None:
        """Free its row and close the gap that it leaves."""
        row = ticket.row
        ticket.row = -1
        self._rows[row] = None
        self._kv.lengths[row] = 0
        if row < self.decoding:
            self.decoding -= 1
            self._swap(row, self.decoding)

    def _swap(self, a: int, b: int) -> None:
        self._kv.swap(a, b)
        self._rows[a], self._rows[b] = self._rows[b], self._rows[a]
        for row in (a, b):
            if ticket := self._rows[row]:
                ticket.row = row
