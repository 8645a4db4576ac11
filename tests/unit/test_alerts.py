"""Alerts: what they are made of. That they fire is tested with the real promtool (tests/monitoring)."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from monitoring.alerts import alerts_of
from monitoring.alerts.making import Dashboard, Severity, alerts_in, any_of
from monitoring.prometheus import EVALUATION, INTERVAL, TIMEOUT
from monitoring.rules import Alert
from monitoring.vocabulary import SERIES, series_of
from monitoring.watched import Watched
from tests.monitoring.alert_case import Case
from tests.monitoring.alert_files import ALWAYS_FIRES, CASES
from tests.monitoring.alert_stack import EVERYTHING, NOTHING
from tests.monitoring.data_stacks import ONNX, STACKS, VLLM, hosted, on_cluster
from tests.monitoring.runbook_files import series_in

CLUSTER = STACKS["on a cluster"]
RULES = alerts_in(alerts_of(EVERYTHING))


def names(watched: Watched) -> set[str]:
    """The alerts of a stack."""
    return {rule.name for rule in alerts_in(alerts_of(watched))}


@pytest.mark.parametrize("watched", [EVERYTHING, NOTHING, CLUSTER], ids=lambda watched: watched.stack)
def test_alerts_use_only_series_that_the_stack_records(watched: Watched) -> None:
    recorded = {series.name for series in series_of(watched)}
    for rule in alerts_in(alerts_of(watched)):
        assert series_in(rule.expr) <= recorded, rule.name
        assert series_in(rule.expr) or rule.name == ALWAYS_FIRES


def test_no_alert_is_there_for_what_the_stack_does_not_have() -> None:
    gone = names(EVERYTHING) - names(NOTHING)
    assert {"EngineDown", "KvCacheSaturated", "GpuError", "GpuThrottled", "KeyExpires"} <= gone
    assert {"CertificateExpires", "GatewayCertificateExpires"} <= gone
    assert {"EngineStartingTooLong", "EngineMemoryNearLimit"} <= gone
    assert {"AvailabilityBudgetBurn", "EndpointDown", "OomKill", "Watchdog"} <= names(NOTHING)


def test_on_a_cluster_no_alert_is_about_a_machine_and_an_engine_may_be_silent_while_it_starts() -> None:
    here = names(CLUSTER)
    assert not {"HostMemoryNearlyFull", "ModelStoreNearlyFull", "ClockOff"} & here
    assert {"EngineDown", "GatewayDown", "OomKill", "UsageMayBeLost", "DiskFull", "DiskNearlyFull"} <= here
    for rule in alerts_in(alerts_of(CLUSTER)):
        if rule.name == "EngineDown":
            assert "slm:replicas" in rule.expr


MACHINE_ONLY = ("docker", "machine", "container")
"""Words for what a cluster does not have."""


def test_on_a_cluster_an_alert_says_commands_that_work_there() -> None:
    told = {rule.name: rule.annotations["description"] for rule in alerts_in(alerts_of(CLUSTER))}
    pods = "-l slm-kit.workload=tiny"
    assert f"kubectl -n slm-six get pods {pods}" in told["EngineDown"]
    assert f"kubectl -n slm-six logs --previous {pods}" in told["EngineDown"]
    assert f"kubectl -n slm-six describe pods {pods}" in told["WakeWithoutReplica"]
    for name in ("EngineRestarting", "GatewayDown", "ScrapeMissing", "DiskFull", "DiskNearlyFull"):
        assert "kubectl -n slm-six" in told[name], name
    for name, text in told.items():
        assert not [word for word in MACHINE_ONLY if word in text], name
        assert "KUBECTL" not in text


def test_on_a_machine_no_alert_speaks_of_a_cluster() -> None:
    assert not [rule.name for rule in RULES if "kubectl" in rule.annotations["description"].lower()]


def seconds(duration: str) -> int:
    """Of a duration with one unit."""
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def test_an_outage_has_the_time_to_be_told_before_its_budget_pages() -> None:
    checked = {"EngineDown": 0, "EndpointDown": 30}
    noticed = seconds(INTERVAL) + seconds(TIMEOUT) + 2 * seconds(EVALUATION)
    told = noticed + max(checked[rule.name] + seconds(rule.for_) for rule in RULES if rule.name in checked)
    pages = [rule for rule in RULES if rule.name.endswith("BudgetBurn") and rule.labels["severity"] == "page"]
    assert min(seconds(rule.for_) for rule in pages) >= told + seconds(EVALUATION)


def test_each_alert_has_a_severity_a_dashboard_a_summary_and_a_first_step() -> None:
    for rule in RULES:
        assert rule.labels["severity"] in set(Severity)
        assert rule.annotations["dashboard"] in set(Dashboard)
        assert set(rule.annotations) == {"summary", "description", "dashboard", "runbook_url"}
        assert "{{" not in rule.annotations["description"]
        assert all(rule.annotations.values())


def test_a_summary_names_the_model_wherever_the_alert_is_about_one() -> None:
    by_model = {series.name for series in SERIES if "model" in series.labels}
    machine = [rule for rule in RULES if rule.labels.get("killed") == "other"]
    for rule in RULES:
        if series_in(rule.expr) & by_model and rule not in machine:
            assert "{{ $labels.model }}" in rule.annotations["summary"], rule.name


def test_only_the_watchdog_tells_nobody() -> None:
    assert [rule.name for rule in RULES if rule.labels["severity"] == Severity.NONE] == [ALWAYS_FIRES]


def test_each_rule_has_a_test_of_firing_not_firing_and_resolving() -> None:
    groups = alerts_of(EVERYTHING)
    tested = Counter(identity(case.rule(groups)) for case in CASES)
    tested[identity(next(rule for rule in RULES if rule.name == ALWAYS_FIRES))] = 1
    assert set(tested) == {identity(rule) for rule in RULES}
    for case in CASES:
        assert_complete(case, case.rule(groups))


def identity(rule: Alert) -> tuple[str, ...]:
    """What tells rules apart."""
    return rule.name, *(f"{key}={value}" for key, value in sorted(rule.labels.items()))


def assert_complete(case: Case, rule: Alert) -> None:
    """Quiet, then firing with all annotations, then quiet again."""
    first, *others = case.tests(alerts_of(EVERYTHING))
    looks = [entry["exp_alerts"] for entry in first["alert_rule_test"]]
    quiet, fires, resolved = looks[0], looks[-2], looks[-1]
    assert not quiet, case
    assert not resolved, case
    assert fires[0]["exp_labels"] == dict(case.labels), case
    assert set(fires[0]["exp_annotations"]) == set(rule.annotations), case
    assert not any(entry["exp_alerts"] for other in others for entry in other["alert_rule_test"])


def test_a_point_in_a_models_name_is_no_wildcard() -> None:
    pattern = any_of(["gpt-4.1", "b"])
    assert re.fullmatch(pattern, "gpt-4.1")
    assert not re.fullmatch(pattern, "gpt-4x1")


def test_an_engine_that_may_sleep_is_missed_only_by_who_asks_for_it() -> None:
    about = {rule.name: rule for rule in RULES if rule.labels.get("model") == "asleep"}
    assert set(about) == {"WakeWithoutReplica"}
    (awake,) = (r for r in RULES if r.name == "WakeWithoutReplica" and r.labels["model"] == "tiny")
    assert seconds(about["WakeWithoutReplica"].for_) == seconds(awake.for_) + 60


@pytest.mark.parametrize(("gpus", "waits"), [(1, 900), (0, 0)])
def test_on_a_cluster_a_node_that_is_added_for_a_model_on_gpus_is_waited_for(gpus: int, waits: int) -> None:
    def wake(arrival: int) -> int:
        engine = replace(VLLM, gpus=gpus, arrival_seconds=arrival)
        stack = replace(CLUSTER, models=(on_cluster(hosted("big", engine)),))
        (rule,) = (r for r in alerts_in(alerts_of(stack)) if r.name == "WakeWithoutReplica")
        return seconds(rule.for_)

    assert wake(900) == wake(0) + waits


def test_on_a_cluster_a_first_start_may_take_a_node_and_an_image_more() -> None:
    engine = replace(ONNX, arrival_seconds=900)
    stack = replace(CLUSTER, models=(on_cluster(hosted("tiny", engine)),))
    (down,) = (r for r in alerts_in(alerts_of(stack)) if r.name == "EngineDown")
    assert f"[{engine.start_budget_seconds + 900}s]) == 0" in down.expr
    assert f"offset {engine.start_budget_seconds + 900}s" in down.expr
