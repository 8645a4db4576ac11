"""One answer on its way to the client: events of the core in, pieces of text out."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_server.core.ticket import Event, Finish
from onnx_server.text.detokenizer import Detokenizer
from onnx_server.text.stops import StopScanner


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that may be shown, and the end if this is the last of the answer."""

    text: str
    finish: Finish | None


class Answer:
    """Text of one sequence, cut at the first stop sequence; ``tokens`` counts what it took."""

    def __init__(self, detokenizer: Detokenizer, stops: Sequence[str]) -> None:
        self._detokenizer = detokenizer
        self._scanner = StopScanner(stops)
        self.finish: Finish | None = None
        self.tokens = 0

    def feed(self, event: Event) -> Piece:
        """The piece that ``event`` completes. After the end, events change nothing."""
        if self.finish:
            return Piece("", self.finish)
        text = ""
        if event.token is not None:
            self.tokens += 1
            text = self._scanner.feed(self._detokenizer.feed(event.token))
        if event.finish and not self._scanner.stopped:
            text += self._scanner.feed(self._detokenizer.flush())
            text += "" if self._scanner.stopped else self._scanner.flush()
        self.finish = Finish.STOP if self._scanner.stopped else event.finish
        return Piece(text, self.finish)
