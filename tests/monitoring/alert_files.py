"""What promtool reads: the rules of a stack, and the tests of the tables."""

from collections.abc import Sequence
from typing import Any

import yaml

from monitoring.alerts import alerts_of
from monitoring.alerts.making import alerts_in
from monitoring.rules import render
from monitoring.watched import Watched
from tests.monitoring import alert_cases_parts, alert_cases_people
from tests.monitoring.alert_case import Case
from tests.monitoring.alert_stack import EVERYTHING

CASES = [*alert_cases_people.CASES, *alert_cases_parts.CASES]
ALWAYS_FIRES = "Watchdog"
"""It has no other case than firing."""


def rules_file(watched: Watched = EVERYTHING) -> str:
    """The alerts of a stack."""
    return render(alerts_of(watched))


def promtool_file(cases: Sequence[Case] = CASES) -> str:
    """The tests of cases and of the Watchdog, beside `rules.yml`."""
    groups = alerts_of(EVERYTHING)
    tests = [test for case in cases for test in case.tests(groups)]
    return yaml.safe_dump(
        {
            "rule_files": ["rules.yml"],
            "evaluation_interval": "1m",
            "group_eval_order": [group.name for group in groups],
            "tests": [*tests, _watchdog()],
        },
        sort_keys=False,
    )


def _watchdog() -> dict[str, Any]:
    rule = next(rule for rule in alerts_in(alerts_of(EVERYTHING)) if rule.name == ALWAYS_FIRES)
    fires = [{"exp_labels": {"severity": "none"}, "exp_annotations": dict(rule.annotations)}]
    return {
        "name": "Watchdog without any series",
        "interval": "1m",
        "input_series": [],
        "alert_rule_test": [
            {"eval_time": time, "alertname": ALWAYS_FIRES, "exp_alerts": fires} for time in ("0m", "600m")
        ],
    }
