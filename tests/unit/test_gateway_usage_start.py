"""The lines that let counters of usage begin at 0."""

import json
from typing import Any

from components.gateway.config import KeyGrant, Route, render
from components.gateway.refusals import OWN_ERRORS, REFUSALS

ROUTES = (Route("tiny", "engine", fallback="wide"), Route("wide", "engine"))
GRANTS = (KeyGrant("all", ("*",)), KeyGrant("some", ("tiny",)))


def births() -> list[dict[str, Any]]:
    return [json.loads(line) for line in render(ROUTES, GRANTS)["usage-start.jsonl"].splitlines()]


def test_each_key_has_a_line_for_each_route_that_can_serve_a_model_of_its() -> None:
    served = {(each["key_id"], each["model"], each["served_by"]) for each in births()}
    assert {("all", "tiny", "tiny"), ("all", "tiny", "wide"), ("all", "wide", "wide")} <= served
    assert {("some", "tiny", "tiny"), ("some", "tiny", "wide")} <= served
    assert ("some", "wide", "wide") not in served
    assert {("some", "unknown", "unknown"), ("none", "unknown", "unknown")} <= served


def test_each_error_code_has_a_line() -> None:
    codes = {each.code for each in (*REFUSALS.values(), *OWN_ERRORS.values())}
    assert {each["error"] for each in births() if "error" in each} == codes


def test_every_line_is_marked_and_short_enough_to_be_written_in_one_piece() -> None:
    assert {each["event"] for each in births()} == {"usage_start"}
    long = render([Route("m" * 128, "engine")], [KeyGrant("k" * 63, ("*",))])["usage-start.jsonl"]
    assert max(map(len, long.splitlines())) < 4096


def test_there_is_a_line_without_keys_and_models() -> None:
    assert "usage_start" in render([], [])["usage-start.jsonl"]
