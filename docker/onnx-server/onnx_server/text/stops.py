"""Stop sequences in a text that arrives in pieces."""

from collections.abc import Sequence


class StopScanner:
    """Passes text on and ends it before the first stop sequence that is complete.

    The longest end of the text that could still become a stop sequence is held back, so nothing
    of one is ever shown. The result does not depend on where the pieces were cut.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that may be shown; after a match ``stopped`` is True and the rest is dropped."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        text, self._held = self._held + text, ""
        # Of several matches the one that is complete first counts, whatever came in one piece.
        ends = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            return text[: min(ends)[1]]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, when the text ends without a stop sequence."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that begins ``stop`` (shorter than all of it)."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[-n:])), 0)
