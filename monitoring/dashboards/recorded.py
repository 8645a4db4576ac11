"""What of a dashboard a stack has series for, and its queries as data sources get them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from monitoring.dashboards.kit import Board, Language, Panel
from monitoring.vocabulary import SERIES
from monitoring.watched import Watched

_SERIES = re.compile(r"\bslm:[a-z0-9_:]+")
_KNOWN = {series.name: series for series in SERIES}
# What Grafana puts in while a page is open. For a check anything that a page can show will do.
_VALUES = {
    "$model": ".+",
    "$key": ".+",
    "$workload": ".+",
    "$request": ".+",
    "$__range": "1h",
    "$__rate_interval": "5m",
    "$__auto": "5m",
}


@dataclass(frozen=True)
class Query:
    """One query of a dashboard as a data source gets it, for the check that it gives something."""

    place: str
    expr: str
    language: Language
    may_be_empty: bool = False


def series_in(expr: str) -> tuple[str, ...]:
    """The recorded series that an expression asks for."""
    return tuple(_SERIES.findall(expr))


def kept(panels: Iterable[Panel], watched: Watched) -> tuple[Panel, ...]:
    """Without what asks for series that this stack does not record, and without panels left with limits only.

    KeyError: an expression asks for a series that no stack records.
    """
    return tuple(panel for panel in (_kept(panel, watched) for panel in panels) if panel is not None)


def _kept(panel: Panel, watched: Watched) -> Panel | None:
    targets = tuple(target for target in panel.targets if _recorded(target.expr, watched))
    columns = tuple(column for column in panel.columns if _recorded(column.expr, watched))
    if not columns and all(target.limit for target in targets):
        return None
    return replace(panel, targets=targets, columns=columns)


def _recorded(expr: str, watched: Watched) -> bool:
    return all(_KNOWN[name].exists_in(watched) for name in series_in(expr))


def queries_of(board: Board) -> Iterator[Query]:
    """All queries of a dashboard, with values for Grafana's variables."""
    for panel in board.panels:
        for number, expr in enumerate(panel.expressions):
            place = f"dashboard {board.uid}, panel {panel.title!r}, query {chr(ord('A') + number)}"
            yield Query(place, _filled(expr), panel.language, panel.may_be_empty)


def _filled(expr: str) -> str:
    return re.sub(r"\$\w+", lambda found: _VALUES[found[0]], expr)
