"""The collector's configuration, as rendered: what it counts, what it keeps, what it never lets through."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.gateway.config import KeyGrant, Route
from components.gateway.config import render as render_gateway
from components.gateway.refusals import OWN_ERRORS, REFUSALS
from monitoring.collector import BUCKETS, SECRETS, render
from monitoring.usage import OVERLOADED
from monitoring.watched import Slo, Watched, WatchedEngine, WatchedKey, WatchedModel

ENGINE = WatchedEngine("onnx", 60, 2**30, 2)
WATCHED = Watched(
    stack="s",
    models=(
        WatchedModel("qwen3-0.6b", Slo(first_token_seconds=3.5), 4, ENGINE, "qwen3-0.6b"),
        WatchedModel("far", Slo(), 4, None),
    ),
    keys=(WatchedKey("team.a", ("far",)), WatchedKey("b", ("far",))),
)


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render(WATCHED))
    return loaded


def counters_of(config: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [each for each in config["connectors"]["signal_to_metrics"]["logs"] if each["name"] == name]


def statements_of(config: dict[str, Any], processor: str) -> str:
    return str(config["processors"][processor]["log_statements"])


def test_the_same_stack_gives_the_same_text() -> None:
    assert render(WATCHED) == render(replace(WATCHED))


def test_labels_come_from_closed_lists_in_which_a_dot_is_a_dot(config: dict[str, Any]) -> None:
    said = config["processors"]["transform/usage"]["log_statements"][0]["statements"]
    lists = [re.search(r'IsMatch\(log.cache\["(\w+)"\], "(\^.*\$)"\)', each) for each in said]
    found = {match[1]: match[2].replace("\\\\", "\\") for match in lists if match}
    assert re.match(found["model"], "qwen3-0.6b")
    assert not re.match(found["model"], "qwen3-0x6b")
    assert not re.match(found["model"], "qwen3-0.6b-and-more")
    assert re.match(found["key_id"], "team.a")
    assert not re.match(found["key_id"], "teamxa")
    assert found["served_by"] == found["model"]


def test_a_stack_without_keys_takes_no_key_for_one_of_its_own() -> None:
    assert '"^(-)$"' in render(replace(WATCHED, keys=()))


@pytest.mark.parametrize("name", ["slm_first_byte_seconds", "slm_request_seconds"])
def test_buckets_hold_each_promise_and_are_born_at_0(config: dict[str, Any], name: str) -> None:
    bounds = {
        attribute["default_value"]
        for each in counters_of(config, f"{name}_bucket")
        for attribute in each["attributes"]
        if attribute["key"] == "le"
    }
    assert {"3.5", "5", "0.05", "0.25", "160", "+Inf"} <= bounds
    assert len(bounds) == len(BUCKETS) + 2
    values = [each["sum"]["value"] for each in counters_of(config, f"{name}_bucket")]
    assert values.count("Double(0)") == values.count("Double(1)") == len(bounds)


def test_nothing_that_was_counted_is_forgotten(config: dict[str, Any]) -> None:
    assert config["exporters"]["prometheus"]["metric_expiration"].startswith("876000")
    assert config["processors"]["delta_to_cumulative"]["max_stale"].startswith("876000")
    assert all(each["sum"]["monotonic"] for each in config["connectors"]["signal_to_metrics"]["logs"])


def test_what_is_stored_is_redacted_first_in_lines_and_attributes(config: dict[str, Any]) -> None:
    order = config["service"]["pipelines"]["logs/loki"]["processors"]
    assert order.index("transform/line") < order.index("transform/redact") < order.index("batch")
    said = statements_of(config, "transform/redact")
    for secret in SECRETS:
        assert said.count(secret) == 2
    assert config["processors"]["transform/redact"]["error_mode"] == "propagate"


@pytest.mark.parametrize(
    "text", ["slm-" + "aZ0_-" * 8 + "abc", "Bearer abc.def-ghi", "bearer  0123456789", "sk-" + "a" * 20]
)
def test_what_looks_like_a_key_is_a_secret(text: str) -> None:
    # RE2 and Python agree on these.
    assert any(re.search(secret, f"x {text} y") for secret in SECRETS)


def test_words_are_no_secrets() -> None:
    for text in ("slm-kit.stack", "the bearer of news", "Proxy _public stopped", "task-list", "sk-short"):
        assert not any(re.search(secret, text) for secret in SECRETS), text


def test_queues_are_bounded_and_nothing_waits_for_the_store(config: dict[str, Any]) -> None:
    queue = config["exporters"]["otlp_http/loki"]["sending_queue"]
    assert 0 < queue["queue_size"] <= 1000
    assert not queue.get("block_on_overflow")
    for name, pipeline in config["service"]["pipelines"].items():
        if name.startswith("logs/"):
            assert pipeline["processors"][0] == "memory_limiter"


def test_error_codes_of_overload_are_the_gateways() -> None:
    codes = {each.code for each in (*REFUSALS.values(), *OWN_ERRORS.values()) if each.status == 503}
    assert set(OVERLOADED) <= codes


def test_every_field_that_is_read_is_in_the_access_log(config: dict[str, Any]) -> None:
    gateway = render_gateway([Route("far", "engine")], [KeyGrant("b", ("far",))])["haproxy.cfg"]
    read = set(re.findall(r'log\.cache\["(\w+)"\]', statements_of(config, "transform/usage")))
    assert len(read) > 10
    for field in read - {"event"}:
        assert re.search(rf"%\({field}(:\w+)?\)", gateway), field
