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
from monitoring.usage import ENDPOINT_LIMITED, KEY_ID, OVERLOADED
from monitoring.watched import Price, Slo, Watched, WatchedCluster, WatchedEngine, WatchedKey, WatchedModel
from ops import keys

ENGINE = WatchedEngine("onnx", 60, 2**30, 2)
WATCHED = Watched(
    stack="s",
    models=(
        WatchedModel("qwen3-0.6b", Slo(first_token_seconds=3.5), 4, ENGINE, "qwen3-0.6b"),
        WatchedModel("far", Slo(), 4, None),
    ),
    keys=(WatchedKey("team-a", ("far",)), WatchedKey("b", ("far",))),
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


def test_models_come_from_a_closed_list_in_which_a_dot_is_a_dot(config: dict[str, Any]) -> None:
    said = config["processors"]["transform/usage"]["log_statements"][0]["statements"]
    lists = [re.search(r'IsMatch\(log.cache\["(\w+)"\], "(\^.*\$)"\)', each) for each in said]
    found = {match[1]: match[2].replace("\\\\", "\\") for match in lists if match}
    assert re.match(found["model"], "qwen3-0.6b")
    assert not re.match(found["model"], "qwen3-0x6b")
    assert not re.match(found["model"], "qwen3-0.6b-and-more")
    assert found["served_by"] == found["model"]
    assert found["key_id"] == KEY_ID


def test_one_more_key_is_the_same_text_so_that_the_collector_runs_on() -> None:
    assert render(WATCHED) == render(replace(WATCHED, keys=(*WATCHED.keys, WatchedKey("new", ("far",)))))


def test_a_key_id_is_what_keys_can_be_called() -> None:
    assert f"^{keys.KEY_ID.pattern}$" == KEY_ID


def test_first_tokens_are_those_of_streams_and_no_embeddings(config: dict[str, Any]) -> None:
    counting = [
        each["conditions"][0]
        for each in counters_of(config, "slm_first_byte_seconds_bucket")
        if each["sum"]["value"] == "Double(1)"
    ]
    assert counting
    assert all('attributes["streamed"] == true' in each for each in counting)
    said = config["processors"]["transform/usage"]["log_statements"][0]["statements"]
    paths = [re.search(r'\["path"\], "(.*?)"', each) for each in said if '"streamed"' in each]
    (path,) = (each[1] for each in paths if each)
    assert re.match(path, "/v1/chat/completions")
    assert re.match(path, "/v1/completions")
    assert not re.match(path, "/v1/embeddings")


def test_money_is_counted_at_the_price_of_the_model_that_answered_and_only_where_there_is_one(
    config: dict[str, Any],
) -> None:
    assert counters_of(config, "slm_usd_total") == []
    far = replace(WATCHED.models[1], price=Price(0.00001, 1200))
    priced = yaml.safe_load(render(replace(WATCHED, models=(WATCHED.models[0], far))))
    (money,) = counters_of(priced, "slm_usd_total")
    assert [each["key"] for each in money["attributes"]] == ["key_id", "model", "served_by"]
    said = priced["processors"]["transform/usage"]["log_statements"][0]["statements"]
    assert [each for each in said if '"usd"' in each] == [
        'set(log.attributes["usd"], (Double(log.attributes["prompt_tokens"]) * 0.000010000'
        ' + Double(log.attributes["completion_tokens"]) * 1200.000000000) / 1000000.0)'
        ' where log.attributes["served_by"] == "far"'
    ]


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
    assert queue["sizer"] == "bytes"
    assert 0 < queue["queue_size"] <= 16_000_000
    assert not queue.get("block_on_overflow")
    for name, pipeline in config["service"]["pipelines"].items():
        if name.startswith("logs/"):
            assert pipeline["processors"][0] == "memory_limiter"


def test_error_codes_of_overload_are_the_gateways() -> None:
    codes = {each.code for each in (*REFUSALS.values(), *OWN_ERRORS.values()) if each.status == 503}
    assert set(OVERLOADED) <= codes
    limited = {code for code, each in REFUSALS.items() if each.status == 429}
    assert ENDPOINT_LIMITED in limited


def test_every_field_that_is_read_is_in_the_access_log(config: dict[str, Any]) -> None:
    gateway = render_gateway([Route("far", "engine")], [KeyGrant("b", ("far",))])["haproxy.cfg"]
    read = set(re.findall(r'log\.cache\["(\w+)"\]', statements_of(config, "transform/usage")))
    assert len(read) > 10
    for field in read - {"event"}:
        assert re.search(rf"%\({field}(:\w+)?\)", gateway), field


def test_on_a_cluster_the_gateways_lines_come_over_tcp_and_look_as_docker_hands_them_on() -> None:
    config = yaml.safe_load(render(replace(WATCHED, cluster=WatchedCluster("slm-test", 8 * 2**30))))
    (name,) = config["receivers"]
    assert name == "tcp_log"
    said = config["receivers"][name]["attributes"]
    assert said == {"slm-kit.workload": "gateway", "slm-kit.stack": "s", "source": "stdout"}
    pipelines = config["service"]["pipelines"]
    assert pipelines["logs/loki"]["receivers"] == pipelines["logs/usage"]["receivers"] == ["tcp_log"]
