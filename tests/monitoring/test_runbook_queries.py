"""The queries of runbooks, in the real Prometheus' own test program, over every series of the vocabulary."""

from typing import Any

import pytest
import yaml

from monitoring.alerts import alerts_of
from monitoring.rules import Alert, Group, render
from monitoring.vocabulary import Series, series_of
from tests.monitoring.alert_stack import EVERYTHING
from tests.monitoring.alert_tools import run_in
from tests.monitoring.runbook_files import RUNBOOKS, queries_of, runbook_queries

pytestmark = pytest.mark.docker
QUERIES = runbook_queries(EVERYTHING)


def of_nothing(series: Series) -> dict[str, str]:
    """A series at zero, which a query for what is at zero finds, too."""
    labels = ",".join(f'{name}="{"+Inf" if name == "le" else _value(name)}"' for name in series.labels)
    return {"series": f"{series.name}{{{labels}}}", "values": "0x60"}


def _value(label: str) -> str:
    return {"outcome": "failed", "volume": "loki"}.get(label, label)


def resolved(series: list[dict[str, str]], queries: list[tuple[str, str]]) -> dict[str, str]:
    """Files of a promtool test in which a query that finds nothing fires."""
    asked = [Alert(f"Empty{number}", f"absent({query})") for number, (_, query) in enumerate(queries)]
    groups = [*alerts_of(EVERYTHING), Group("runbooks", asked)]
    looks: list[dict[str, Any]] = [
        {"eval_time": "60m", "alertname": alert.name, "exp_alerts": []} for alert in asked
    ]
    tests = [{"interval": "1m", "input_series": series, "alert_rule_test": looks}]
    return {
        "rules.yml": render(groups),
        "tests.yml": yaml.safe_dump({"rule_files": ["rules.yml"], "tests": tests}),
    }


def test_every_query_of_a_runbook_finds_something_where_every_series_is(prometheus_image: str) -> None:
    assert len(QUERIES) == sum(len(queries_of(page)) for page in RUNBOOKS.glob("*.md")) > 40
    series = [of_nothing(each) for each in series_of(EVERYTHING)]
    # Queries for the model store's volume, too.
    series.append({"series": 'slm:disk_free_bytes{volume="models"}', "values": "0x60"})
    said = run_in(prometheus_image, resolved(series, QUERIES), "promtool test rules tests.yml")
    assert "SUCCESS" in said


def test_a_query_for_a_label_that_no_series_has_is_noticed(prometheus_image: str) -> None:
    series = [of_nothing(each) for each in series_of(EVERYTHING)]
    files = resolved(series, [("here", "slm:engine_waiting / on (gpu) slm:gpu_xid")])
    assert "Empty0" in run_in(prometheus_image, files, "! promtool test rules tests.yml")
