"""The metric contract: a query that resolves to nothing is an error, told with its place."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import httpx
import promql_parser

from monitoring.recording import BORN_LATE
from monitoring.rules import Alert, Group

Query = tuple[str, str]
"""Place and PromQL."""
_EVENTS = {"outcome", "error"}
"""Labels of what need not have happened yet."""


class Answer(NamedTuple):
    """What Prometheus had for a query."""

    place: str
    expr: str
    empty: bool
    """Nothing, or nothing that is a number."""


def evaluate(
    queries: Iterable[Query], url: str, time: float | None = None, auth: tuple[str, str] | None = None
) -> list[Answer]:
    """Asks Prometheus at `url` each query, at a Unix time (default: now). `auth` is login and password.

    Raises ValueError, with the place, for a query that Prometheus refuses.
    """
    with httpx.Client(base_url=url, auth=auth, timeout=30) as client:
        return [
            Answer(place, expr, not any(map(_is_number, _result(client, place, expr, time))))
            for place, expr in queries
        ]


def empty(answers: Iterable[Answer]) -> list[str]:
    """Those that resolve to nothing, as text: place and query."""
    return [f"{answer.place}: {answer.expr}" for answer in answers if answer.empty]


def rule_queries(groups: Iterable[Group]) -> list[Query]:
    """Expressions of recording rules. An alert that does not fire is empty: ask for what it looks at."""
    return [
        (f"rule {rule.name}{dict(rule.labels)} in {group.name}", rule.expr)
        for group in groups
        for rule in group.rules
        if not isinstance(rule, Alert)
    ]


def looked_at(queries: Iterable[Query]) -> list[Query]:
    """The series that queries look at, each as a query: a fallback such as `or vector(0)` hides none of them.

    Without what may not have happened yet: matchers on outcomes and errors, counters born with a first event
    (their names are tried in test_collector_failures.py and test_usage.py).
    """
    found = {(place, series) for place, expr in queries for series in selectors(expr)}
    return sorted(query for query in found if query[1].partition("{")[0] not in {*BORN_LATE, "ALERTS"})


def selectors(expr: str) -> set[str]:
    """Vector selectors of a query, without ranges and offsets."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            kept = [str(each) for each in node.matchers.matchers if each.name not in _EVENTS]
            found.add(f"{node.name or ''}{{{','.join(sorted(kept))}}}")

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


def _result(client: httpx.Client, place: str, expr: str, time: float | None) -> list[Any]:
    form = {"query": expr} if time is None else {"query": expr, "time": str(time)}
    answer = client.post("/api/v1/query", data=form)
    if answer.status_code != 200:
        raise ValueError(f"{place}: Prometheus refuses {expr!r}: {answer.status_code} {answer.text}")
    data = answer.json()["data"]
    found: list[Any] = data["result"]
    return [{"value": found}] if data["resultType"] in ("scalar", "string") else found


def _is_number(sample: dict[str, Any]) -> bool:
    values = [sample["value"]] if "value" in sample else sample.get("values", [])
    return any(not math.isnan(float(value)) for _, value in values)
