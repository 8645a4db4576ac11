"""Runbooks as data: their headings and queries."""

import re
from pathlib import Path

from monitoring.alerts import alerts_of
from monitoring.alerts.making import alerts_in
from monitoring.vocabulary import series_of
from monitoring.watched import Watched
from tests.conftest import ROOT

RUNBOOKS = ROOT / "monitoring" / "runbooks"
HEADINGS = ("What it means", "How to see it", "How to mend it", "How to prevent it")


def sections_of(path: Path) -> dict[str, str]:
    """What stands below each heading of the second level."""
    _, *parts = re.split(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
    return {title: text.strip() for title, text in zip(parts[::2], parts[1::2], strict=True)}


def queries_of(path: Path) -> list[str]:
    """The PromQL of each block marked promql."""
    found = re.findall(r"^```promql\n(.*?)^```$", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [query.strip() for query in found]


def runbook_queries(watched: Watched) -> list[tuple[str, str]]:
    """Place and PromQL of what a stack's runbooks ask: those of its alerts, about series that it records."""
    recorded = {series.name for series in series_of(watched)}
    return [
        (f"runbook {name}", query)
        for name in sorted({rule.name for rule in alerts_in(alerts_of(watched))})
        for query in queries_of(RUNBOOKS / f"{name}.md")
        if series_in(query) <= recorded
    ]


def series_in(query: str) -> set[str]:
    """The recorded series that a query names."""
    return set(re.findall(r"slm:[a-zA-Z0-9_:]+", query))
