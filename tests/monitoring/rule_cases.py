"""What recording rules make of given series, as promtool tests it."""

from typing import Any

import yaml

from monitoring.recording import rules_of
from monitoring.rules import render
from monitoring.watched import Watched

Cases = dict[str, tuple[list[tuple[str, str]], list[tuple[str, str, float | None]]]]
"""Series and values (one each 15 seconds), then at a time: query and what it must be; None is nothing."""
TEST = ("test", "rules", "tests.yml")


def files_of(watched: Watched, cases: Cases) -> dict[str, str]:
    """The rules of a stack, and `tests.yml` beside them."""
    groups = rules_of(watched)
    file = {
        "rule_files": ["recording.yml"],
        "evaluation_interval": "15s",
        "group_eval_order": [group.name for group in groups],
        "tests": [_case(name, *case) for name, case in cases.items()],
    }
    return {"recording.yml": render(groups), "tests.yml": yaml.safe_dump(file)}


def _case(
    name: str, series: list[tuple[str, str]], expected: list[tuple[str, str, float | None]]
) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "15s",
        "input_series": [{"series": each, "values": values} for each, values in series],
        "promql_expr_test": [
            {
                "eval_time": time,
                # Without labels, which the other tests look at.
                "expr": f"sum({query})",
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for time, query, value in expected
        ],
    }
