"""Grafana's dashboards of a stack: Overview, Model, Gateway, Hardware, Usage and cost, Logs.

They ask for recorded series (monitoring/vocabulary/), for ALERTS and for Loki's logs, nothing else, and
hold only what the stack has. No browser has shown them: Grafana is in no package registry, so tests hold them
to Grafana's published schema instead.
"""

from monitoring.dashboards import draw, gateway, hardware, logs, model, overview, usage
from monitoring.dashboards.kit import Board, Language
from monitoring.dashboards.recorded import Query, queries_of
from monitoring.watched import Watched

__all__ = ["Board", "Language", "Query", "boards", "queries", "render"]


def boards(watched: Watched) -> tuple[Board, ...]:
    """All dashboards of a stack, the one to begin with first."""
    return tuple(part.board(watched) for part in (overview, model, gateway, hardware, usage, logs))


def render(watched: Watched) -> dict[str, str]:
    """File name (`<uid>.json`) -> dashboard."""
    return {f"{board.uid}.json": draw.draw(board) for board in boards(watched)}


def queries(watched: Watched) -> list[Query]:
    """Every query of every dashboard, ready to be evaluated: the metric contract's dashboards' part.

    One without a result is a mistake unless it `may_be_empty`.
    """
    return [query for board in boards(watched) for query in queries_of(board)]
