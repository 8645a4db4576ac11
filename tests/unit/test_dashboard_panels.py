"""What is on the dashboards of a stack: panels of what it has, limits and thresholds drawn."""

from dataclasses import replace

import pytest
import yaml

from tests.unit.dashboard_parts import OLLAMA, ONNX, OUTSIDE, VLLM, panel_of, rendered_of, titles_of


def test_panels_of_what_a_stack_does_not_have_are_not_there() -> None:
    gone = {"KV cache", "Memory", "Between two tokens", "Engine started", "Memory of engines"}
    assert not gone & titles_of(OUTSIDE)
    assert gone <= titles_of(ONNX)
    assert "KV cache" not in titles_of(OLLAMA)
    assert "Answers thrown out of the KV cache" in titles_of(VLLM) - titles_of(ONNX)
    assert not {title for title in titles_of(ONNX) if "GPU" in title}
    assert {"GPU in use", "GPU errors (XID)"} <= titles_of(VLLM)


def test_a_panel_with_only_a_limit_left_is_not_there() -> None:
    assert "Memory" not in titles_of(VLLM)


def test_cost_is_shown_only_where_something_has_a_price() -> None:
    table = "slm-usage: Used in the time range"
    assert "Cost by key" in titles_of(OUTSIDE) - titles_of(ONNX)
    assert len(panel_of(OUTSIDE, table)["targets"]) == len(panel_of(ONNX, table)["targets"]) + 1


def test_the_end_of_keys_is_shown_only_where_one_ends() -> None:
    soon = yaml.safe_load("2027-01-31")
    keys = (replace(ONNX.keys[0], expires=soon),)
    assert "Days until keys expire" in titles_of(replace(ONNX, keys=keys)) - titles_of(ONNX)


@pytest.mark.parametrize(
    ("place", "series", "line"),
    [
        ("slm-model: Time to first token", "slm:slo_first_token_seconds", "promised"),
        ("slm-model: Queue", "slm:queue_limit", "queue limit"),
        ("slm-model: Slots", "slm:engine_slots", "slots"),
        ("slm-model: Memory", "slm:engine_memory_limit_bytes", "limit"),
        ("slm-gateway: Clients connected", "slm:gateway_connections_limit", "limit"),
    ],
)
def test_a_limit_is_drawn_as_a_dashed_red_line(place: str, series: str, line: str) -> None:
    panel = panel_of(ONNX, place)
    drawn = [target for target in panel["targets"] if target["legendFormat"] == line]
    assert len(drawn) == 1
    assert series in drawn[0]["expr"]
    looks = {
        setting["id"]: setting["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"] == {"id": "byName", "options": line}
        for setting in override["properties"]
    }
    assert looks["color"] == {"mode": "fixed", "fixedColor": "red"}
    assert looks["custom.lineStyle"]["fill"] == "dash"


@pytest.mark.parametrize(
    ("place", "values"),
    [
        ("slm-overview: How fast error budgets burn", [1, 6, 14.4]),
        ("slm-overview: How fast first-token budgets burn", [1, 6, 14.4]),
        ("slm-overview: Machine", [0.8, 0.95]),
        ("slm-model: KV cache", [0.8, 0.95]),
        ("slm-hardware: Processors", [0.85, 0.95]),
        ("slm-hardware: Memory of engines", [0.85, 0.95]),
        ("slm-hardware: Disks", [0.8, 0.9]),
    ],
)
def test_thresholds_are_drawn_where_they_are_promised(place: str, values: list[float]) -> None:
    config = panel_of(ONNX, place)["fieldConfig"]["defaults"]
    assert config["custom"]["thresholdsStyle"]["mode"] == "dashed"
    assert [step["value"] for step in config["thresholds"]["steps"][1:]] == values


def test_a_table_names_each_of_its_columns_and_gives_it_its_unit() -> None:
    panel = panel_of(OUTSIDE, "slm-usage: Used in the time range")
    organize = panel["transformations"][-1]["options"]
    assert organize["renameByName"] == {
        "Value #A": "Cost",
        "Value #B": "Requests",
        "Value #C": "Tokens in",
        "Value #D": "Tokens out",
        "Value #E": "Not answered",
        "Value #F": "Time",
    }
    shown = {one["matcher"]["options"]: one["properties"][0] for one in panel["fieldConfig"]["overrides"]}
    assert shown["Cost"] == {"id": "unit", "value": "currencyUSD"}
    assert shown["Time"] == {"id": "unit", "value": "s"}
    assert all(target["instant"] and target["format"] == "table" for target in panel["targets"])


def test_usage_begins_with_the_month_and_the_rest_with_the_last_hours() -> None:
    begins = {uid: board["time"]["from"] for uid, board in rendered_of(ONNX).items()}
    assert begins.pop("slm-usage") == "now/M"
    assert set(begins.values()) == {"now-6h", "now-1h"}


def test_a_key_of_the_stack_can_be_chosen_or_all_of_them() -> None:
    (keys,) = rendered_of(ONNX)["slm-gateway"]["templating"]["list"]
    assert keys["query"] == "ci,dev"
    assert keys["current"]["value"] == ["$__all"]
    assert keys["allValue"] == ".+"
