"""What every alert has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from monitoring.rules import Alert, Group
from monitoring.watched import Watched

RUNBOOKS = "monitoring/runbooks"
"""Where the runbooks are, seen from the root of the kit."""


class Severity(StrEnum):
    """Who is told."""

    PAGE = "page"
    """People are harmed now, or will be before the morning: somebody is woken."""
    TICKET = "ticket"
    """To be mended in working hours."""
    NONE = "none"
    """Nobody: it only shows that alerts arrive."""


class Dashboard(StrEnum):
    """The uid of the dashboard on which to look first."""

    OVERVIEW = "slm-overview"
    MODEL = "slm-model"
    GATEWAY = "slm-gateway"
    HARDWARE = "slm-hardware"
    USAGE = "slm-usage"
    LOGS = "slm-logs"


def alert(
    name: str,
    expr: str,
    severity: Severity,
    dashboard: Dashboard,
    *,
    summary: str,
    first: str,
    for_: str = "0s",
    labels: Mapping[str, str] | None = None,
) -> Alert:
    """One alert.

    `summary` says what is wrong, with names and numbers (a template); `first` what to do first (no template).
    """
    return Alert(
        name=name,
        expr=expr,
        for_=for_,
        labels={"severity": severity.value, **(labels or {})},
        annotations={"summary": summary, "description": first, "dashboard": dashboard.value},
    )


def where(watched: Watched, machine: str, cluster: str) -> str:
    """What to do first: on a machine with Docker, or on a cluster.

    KUBECTL stands for kubectl with the stack's namespace.
    """
    return machine if watched.cluster is None else cluster.replace("KUBECTL", watched.cluster.kubectl)


def with_runbooks(group: Group, runbooks: str) -> Group:
    """The same alerts, each with the place of its runbook."""
    return replace(group, rules=[_with_runbook(rule, runbooks) for rule in alerts_in([group])])


def _with_runbook(rule: Alert, runbooks: str) -> Alert:
    place = f"{runbooks.rstrip('/')}/{rule.name}.md"
    return replace(rule, annotations={**rule.annotations, "runbook_url": place})


def any_of(names: Iterable[str]) -> str:
    """A regular expression for exactly these names; a point in a model's name is no wildcard."""
    return "|".join(name.replace(".", "[.]") for name in names)


def alerts_in(groups: Sequence[Group]) -> list[Alert]:
    """The alerts of groups, in their order."""
    return [rule for group in groups for rule in group.rules if isinstance(rule, Alert)]
