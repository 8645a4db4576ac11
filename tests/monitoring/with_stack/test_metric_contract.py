"""Every query of rules, alerts and dashboards resolves on the live stack, after traffic."""

from collections.abc import Callable

import httpx
import pytest

from monitoring import dashboards
from monitoring.alerts import alerts_of
from monitoring.dashboards.kit import Language
from monitoring.recording import rules_of
from monitoring.rules import Alert
from monitoring.watched import Watched
from tests.monitoring.contract import empty, evaluate, looked_at, rule_queries
from tests.monitoring.runbook_files import runbook_queries
from tests.monitoring.with_stack.conftest import PORTS
from tests.monitoring.with_stack.logs import logs
from tests.stack.rig import Stack

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("loaded")]
WHAT_IS_WRONG, ALWAYS = "sum by (severity, alertname, model, engine) (ALERTS{", 'ALERTS{alertname="Watchdog"}'
"""Empty where nothing is wrong, as it may be; that its series are there is seen by the one that always is."""
PROMETHEUS = f"http://127.0.0.1:{PORTS['prometheus']}"


def test_make_load_shows_every_recorded_series_with_a_value(loaded: str) -> None:
    assert "NOTHING" not in loaded
    assert ", 0 of them empty" in loaded
    assert "200" in loaded.split("answers by status:")[1].splitlines()[0]


def test_every_target_is_up(prometheus: httpx.Client) -> None:
    targets = prometheus.get("/api/v1/targets").json()["data"]["activeTargets"]
    assert {each["scrapePool"] for each in targets} == {
        "gateway", "engine", "usage", "node", "prometheus", "alertmanager", "loki", "collector",
    }  # fmt: skip
    assert {each["scrapeUrl"]: each["lastError"] for each in targets if each["health"] != "up"} == {}


def test_every_rule_is_evaluated_without_an_error(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 100
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}


def test_every_query_of_rules_alerts_and_dashboards_resolves(
    watched: Watched, auth: tuple[str, str], record_property: Callable[[str, object], None]
) -> None:
    alerts = alerts_of(watched)
    asked = {
        "recording rules": rule_queries(rules_of(watched)),
        "series that alerts look at": looked_at(
            (f"alert {rule.name}", rule.expr)
            for group in alerts
            for rule in group.rules
            if isinstance(rule, Alert)
        ),
        "series that runbooks look at": looked_at(runbook_queries(watched)),
        "panel queries": [
            (query.place, query.expr)
            for query in dashboards.queries(watched)
            if query.language is Language.PROMQL and not query.expr.startswith(WHAT_IS_WRONG)
        ],
        "series of alerts that panels look at": [("the alert that always fires", ALWAYS)],
    }
    counted = ", ".join(f"{len(queries)} {name}" for name, queries in asked.items())
    record_property("shown", f"Prometheus: {counted} resolved on the live stack")
    found = [each for queries in asked.values() for each in empty(evaluate(queries, PROMETHEUS, auth=auth))]
    assert found == []


def test_every_query_for_logs_resolves(stack: Stack, watched: Watched) -> None:
    queries = [each for each in dashboards.queries(watched) if each.language is Language.LOGQL]
    assert queries
    assert [query.place for query in queries if not logs(stack, query.expr)] == []
