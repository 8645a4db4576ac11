"""What a dashboard is made of, as data. monitoring/dashboards/draw.py turns it into Grafana's JSON."""

from dataclasses import dataclass
from enum import StrEnum

OVERVIEW, MODEL, GATEWAY = "slm-overview", "slm-model", "slm-gateway"
HARDWARE, USAGE, LOGS = "slm-hardware", "slm-usage", "slm-logs"
"""Uids; what alerts call `overview`, `model` and so on."""


class Language(StrEnum):
    """What a query is written in, by the name of Grafana's data source."""

    PROMQL = "prometheus"
    LOGQL = "loki"


class View(StrEnum):
    """How values are shown, by Grafana's panel type."""

    LINES = "timeseries"
    STAT = "stat"
    TABLE = "table"
    HEATMAP = "heatmap"
    LOGS = "logs"


@dataclass(frozen=True)
class Target:
    """One query. `limit`: a bound that others must stay below, drawn as a dashed red line."""

    expr: str
    legend: str = ""
    limit: bool = False


@dataclass(frozen=True)
class Step:
    """From `value` on, in the panel's unit, `color`; the first step's value is None: from below."""

    value: float | None
    color: str


def rising(warning: float, bad: float) -> tuple[Step, ...]:
    """More is worse."""
    return (Step(None, "green"), Step(warning, "orange"), Step(bad, "red"))


def falling(good: float, bad: float) -> tuple[Step, ...]:
    """Less is worse: red below `bad`, orange from there, green from `good` on."""
    return (Step(None, "red"), Step(bad, "orange"), Step(good, "green"))


PRESENT = (Step(None, "red"), Step(1, "green"))
"""At least one must be there."""


@dataclass(frozen=True)
class Link:
    """Where to look next: another dashboard, at the same time range, with `variables` set there.

    A value is what Grafana fills in: `$key` for what is chosen here, `${__field…}` for what was clicked on.
    """

    title: str
    uid: str
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """Path on Grafana; `${…}` is filled in by it."""
        # All chosen values of a variable of the same name, else one.
        settings = "".join(
            f"&${{{name}:queryparam}}" if value == f"${name}" else f"&var-{name}={value}"
            for name, value in self.variables
        )
        return f"/d/{self.uid}?${{__url_time_range}}{settings}"


OF_LINE = Link("Look at this model", MODEL, (("model", "${__field.labels.model}"),))
"""To the model that a line is about."""
OF_CELL = Link("Look at this model", MODEL, (("model", "${__data.fields.model}"),))
"""To the model that a row of a table is about, by its column `model`."""


@dataclass(frozen=True)
class Column:
    """Of a table: its name, what gives it, how it is shown."""

    name: str
    expr: str
    unit: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One picture. `about` says what to do when it looks bad.

    Each column of a table is an instant query by the labels `by`. `link` leads on from the panel, `of_row`
    from one of its lines or rows. `empty` is shown where there is nothing to show; `may_be_empty` says that
    this is well (nothing wrong, nothing logged), so that no check takes it for a mistake.
    """

    title: str
    about: str
    unit: str
    link: Link
    of_row: Link | None = None
    targets: tuple[Target, ...] = ()
    view: View = View.LINES
    language: Language = Language.PROMQL
    columns: tuple[Column, ...] = ()
    by: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    top: float | None = None
    stacked: bool = False
    sort: tuple[str, bool] | None = None
    """Of a table: the column, and whether the greatest is first."""
    empty: str | None = None
    may_be_empty: bool = False
    width: int = 12
    """Of 24."""
    height: int = 8

    @property
    def expressions(self) -> tuple[str, ...]:
        """All its queries, with Grafana's variables in them."""
        return tuple(target.expr for target in self.targets) + tuple(column.expr for column in self.columns)


@dataclass(frozen=True)
class Variable:
    """Something to choose on a page: one of `values`, or with `everything` all of them; None: a text."""

    name: str
    label: str
    values: tuple[str, ...] | None
    everything: bool = False


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    begin: str = "now-6h"
