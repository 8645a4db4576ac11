"""Progress as lines: one each 5 s or 10 %, so that a log follows it as well as a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

MEGABYTE = 1_000_000
LINE_SECONDS = 5.0
LINE_PERCENT = 10
BAR_WIDTH = 20


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"


def bar(fraction: float) -> str:
    filled = round(BAR_WIDTH * min(max(fraction, 0.0), 1.0))
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"


def say(text: str) -> None:
    """One line on stdout; on a terminal it ends what a moving progress line left there."""
    print(text, flush=True)


class Progress:
    """Counts bytes of one transfer. On a terminal the line moves, elsewhere lines are appended."""

    def __init__(
        self,
        label: str,
        total: int | None,
        *,
        already: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._total, self._clock = label, total, clock
        self._done = self._already = already
        self._start = self._last_time = clock()
        self._last_percent = self._percent()
        self._told = -1
        self._moving = sys.stdout.isatty()

    def add(self, count: int) -> None:
        self._done += count
        now, percent = self._clock(), self._percent()
        if now - self._last_time >= (0.2 if self._moving else LINE_SECONDS) or (
            percent - self._last_percent >= LINE_PERCENT
        ):
            self._last_time, self._last_percent = now, percent
            self._write("\r" if self._moving else "\n")

    def finish(self) -> None:
        """The last line, unless it was written already."""
        if self._moving or self._told != self._done:
            self._write("\n")

    def _percent(self) -> int:
        return 100 * self._done // self._total if self._total else 0

    def _write(self, end: str) -> None:
        self._told = self._done
        seconds = max(self._clock() - self._start, 1e-3)
        rate = (self._done - self._already) / seconds
        text = f"{self._label} {self._done / MEGABYTE:.1f}"
        if self._total is not None:
            share = self._done / self._total if self._total else 1.0
            text += f"/{megabytes(self._total)} {bar(share)} {100 * share:.0f}%"
        text += f" {rate / MEGABYTE:.1f} MB/s"
        if self._total is not None and rate > 0:
            text += f" eta {max(self._total - self._done, 0) / rate:.0f}s"
        print(text, end=f"   {end}" if end == "\r" else end, flush=True)
