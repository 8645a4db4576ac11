"""Alerts: what wakes somebody (`page`) or waits for the morning (`ticket`).

They use the series of monitoring/vocabulary/ and `ALERTS`, Prometheus' own series of what fires, and nothing
else. Each has a runbook of its own name.
"""

from collections.abc import Sequence

from monitoring.alerts import engines, expiry, gateway, gpu, machine, slo, watching
from monitoring.alerts.making import RUNBOOKS, with_runbooks
from monitoring.rules import Group
from monitoring.watched import Watched

_SUBJECTS = (slo, engines, gateway, machine, gpu, expiry, watching)


def alerts_of(watched: Watched, runbooks: str = RUNBOOKS) -> Sequence[Group]:
    """The alerts that a stack can have: none about an engine, a GPU or a key that is not there.

    `runbooks` is where the runbooks are found: their folder, or the address that serves it.
    """
    groups = [group for subject in _SUBJECTS for group in subject.groups(watched) if group.rules]
    return [with_runbooks(group, runbooks) for group in groups]
