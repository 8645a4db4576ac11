"""Recording rules, as they are rendered."""

import re
from dataclasses import replace

import promql_parser
import pytest
import yaml

from components.gateway.refusals import OWN_ERRORS, REFUSALS
from monitoring.gpu import counters
from monitoring.outcomes import Outcome
from monitoring.recording import rules_of
from monitoring.recording.gateway import SHOWN_ERRORS
from monitoring.recording.queries import number
from monitoring.recording.usage import MOST_BORN
from monitoring.rules import Alert, Group, Record, render
from monitoring.vocabulary import SERIES, series_of
from monitoring.watched import Watched, WatchedKey
from tests.monitoring.contract import selectors
from tests.monitoring.data_stacks import STACKS

STACK = STACKS["every engine"]


def records(watched: Watched) -> list[Record]:
    return [rule for group in rules_of(watched) for rule in group.rules if isinstance(rule, Record)]


@pytest.mark.parametrize("name", STACKS)
def test_what_is_recorded_is_the_vocabulary_of_the_stack_no_more_and_no_less(name: str) -> None:
    assert {rule.name for rule in records(STACKS[name])} == {each.name for each in series_of(STACKS[name])}


def test_the_stacks_of_the_tests_record_the_whole_vocabulary_between_them() -> None:
    recorded = {rule.name for watched in STACKS.values() for rule in records(watched)}
    assert recorded == {each.name for each in SERIES}


@pytest.mark.parametrize("name", STACKS)
def test_no_two_rules_make_the_same_series(name: str) -> None:
    made = [(rule.name, *sorted(rule.labels.items())) for rule in records(STACKS[name])]
    assert len(made) == len(set(made))


@pytest.mark.parametrize("name", STACKS)
def test_every_rule_is_promql_and_sets_labels_of_the_vocabulary_only(name: str) -> None:
    labels = {each.name: set(each.labels) for each in SERIES}
    for rule in records(STACKS[name]):
        promql_parser.parse(rule.expr)
        assert set(rule.labels) <= labels[rule.name]


@pytest.mark.parametrize("name", STACKS)
def test_no_rule_looks_at_an_engine_or_a_gpu_that_the_stack_has_not(name: str) -> None:
    watched = STACKS[name]
    engines = {model.engine_name for model in watched.engines}
    text = "".join(rule.expr for rule in records(watched))
    for engine, prefix in {"onnx": "onnx_", "ollama": "ollama_", "vllm": "vllm:"}.items():
        assert (prefix in text) == (engine in engines)
    assert ("DCGM_" in text) == (watched.gpus > 0)


def test_an_adapter_has_the_gateways_series_and_none_of_an_engine() -> None:
    watched = STACKS["vllm with an adapter, on a GPU"]
    names = {rule.name for rule in records(watched) if rule.labels.get("model") == "big-sql"}
    assert "slm:demand" in names
    assert "slm:engine_memory_limit_bytes" not in names
    assert "slm:start_budget_seconds" not in names


def test_every_outcome_and_every_key_with_its_models_has_a_total_before_its_first_request() -> None:
    watched = STACKS["onnx, ollama and an endpoint outside"]
    total = next(rule for rule in records(watched) if rule.name == "slm:usage_prompt_tokens:total")
    for key in watched.keys:
        for model in key.models:
            assert f'"key_id", "{key.id}", "", ""), "model", "{model}", "", ""' in total.expr
    outcomes = {
        rule.labels["outcome"] for rule in records(watched) if rule.name == "slm:usage_requests:total"
    }
    assert outcomes == set(Outcome)


def test_with_many_keys_the_gateways_lines_alone_make_the_zeros() -> None:
    def first(pairs: int) -> str:
        keys = tuple(WatchedKey(f"k{number}", ("tiny",)) for number in range(pairs))
        totals = records(replace(STACKS["onnx"], keys=keys))
        return next(rule.expr for rule in totals if rule.name == "slm:usage_prompt_tokens:total")

    assert first(MOST_BORN).count("vector(0)") == MOST_BORN
    assert "vector(0)" not in first(MOST_BORN + 1)


def test_error_codes_with_a_series_from_the_start_are_codes_of_the_gateway() -> None:
    codes = {refusal.code for refusal in (*REFUSALS.values(), *OWN_ERRORS.values())}
    assert set(SHOWN_ERRORS) <= codes


def test_constants_are_what_the_stack_says() -> None:
    watched = STACKS["onnx, ollama and an endpoint outside"]
    values = {(rule.name, *rule.labels.values()): rule.expr for rule in records(watched)}
    assert values["slm:slo_availability:ratio", "tiny"] == "vector(0.995)"
    assert values["slm:slo_first_token_seconds", "tiny"] == "vector(0.5)"
    assert values["slm:queue_limit", "outside-4.1"] == "vector(16)"
    assert values["slm:engine_memory_limit_bytes", "tiny", "onnx"] == "vector(2147483648)"
    assert values["slm:price_usd_per_million_completion_tokens", "outside-4.1"] == "vector(3)"
    # `date -u -d 2030-01-01 +%s`
    assert values["slm:key_expiry_timestamp_seconds", "alice"] == "vector(1893456000)"
    assert values["slm:certificate_expiry_timestamp_seconds", "company-root"] == "vector(1900000000)"


@pytest.mark.parametrize(
    ("value", "text"), [(5.0, "5"), (0.25, "0.25"), (2.5, "2.5"), (600, "600"), (0.01, "0.01")]
)
def test_a_bound_is_written_as_prometheus_writes_it(value: float, text: str) -> None:
    assert number(value) == text


def test_a_rule_uses_only_series_of_its_own_group_that_were_made_before_it() -> None:
    for group in rules_of(STACK):
        made_here = {rule.name for rule in group.rules}
        made: set[str] = set()
        for rule in group.rules:
            used = {each.partition("{")[0] for each in selectors(rule.expr)}
            assert used & made_here <= made, rule
            made.add(rule.name)


def test_rules_use_no_field_that_the_gpu_exporter_is_not_told_to_export() -> None:
    fields = {line.split(",")[0] for line in counters().splitlines() if not line.startswith("#")}
    used = set(re.findall(r"DCGM_\w+", "".join(rule.expr for rule in records(STACK))))
    assert used
    assert used <= fields


def test_the_counters_file_has_three_columns_and_types_that_the_exporter_knows() -> None:
    rows = [line.split(",") for line in counters().splitlines() if not line.startswith("#")]
    assert rows
    assert all(len(row) == 3 and row[1].strip() in ("gauge", "counter", "label") for row in rows)


def test_a_rule_file_has_what_was_said_and_no_default() -> None:
    groups = [
        Group("a", [Record("slm:x", "1"), Record("slm:y", "2", {"model": "m"})], interval="1m"),
        Group("b", [Alert("Down", "up == 0", "5m", {"severity": "page"}, {"summary": "s"}, "10m")]),
    ]
    assert yaml.safe_load(render(groups)) == {
        "groups": [
            {
                "name": "a",
                "interval": "1m",
                "rules": [
                    {"record": "slm:x", "expr": "1"},
                    {"record": "slm:y", "expr": "2", "labels": {"model": "m"}},
                ],
            },
            {
                "name": "b",
                "rules": [
                    {
                        "alert": "Down",
                        "expr": "up == 0",
                        "for": "5m",
                        "keep_firing_for": "10m",
                        "labels": {"severity": "page"},
                        "annotations": {"summary": "s"},
                    }
                ],
            },
        ]
    }
