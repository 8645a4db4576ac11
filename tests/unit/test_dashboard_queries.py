"""What dashboards ask for: only what the stack records, each query ready for the metric contract."""

import re

import pytest

from monitoring import dashboards
from monitoring.dashboards import Language
from monitoring.vocabulary import series_of
from monitoring.watched import Watched, WatchedModel
from tests.unit.dashboard_parts import MIXED, each_stack, panels_of, rendered_of, stack


def _names(expr: str) -> set[str]:
    """The metrics of an expression: no label, string, range, function or operator."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on)\s*\([^)]*\)', " ", expr)
    return set(re.findall(r"[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - {"and", "or", "unless", "by", "on"}


@each_stack
def test_only_series_that_the_stack_records_are_asked_for(watched: Watched) -> None:
    recorded = {series.name for series in series_of(watched)} | {"ALERTS"}
    for query in dashboards.queries(watched):
        if query.language is Language.PROMQL:
            names = _names(query.expr)
            assert names, query.place
            assert names <= recorded, query.place


def test_a_metric_that_an_engine_exports_itself_would_be_noticed() -> None:
    assert _names('rate(vllm:x_total{a="slm:y"}[5m]) or on (model) sum by (model) (up)') == {
        "vllm:x_total",
        "up",
    }


@each_stack
def test_every_query_of_every_panel_is_listed_with_values_for_its_variables(watched: Watched) -> None:
    listed = dashboards.queries(watched)
    assert len(listed) == sum(len(panel["targets"]) for _, panel in panels_of(watched))
    assert len({query.place for query in listed}) == len(listed)
    for query in listed:
        assert "$" not in query.expr, query.place
    for _, panel in panels_of(watched):
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCDEFGHIJ")[: len(letters)]


@each_stack
def test_only_lists_of_what_is_wrong_may_be_empty(watched: Watched) -> None:
    titles = {query.place.split("'")[1] for query in dashboards.queries(watched) if query.may_be_empty}
    assert titles == {"What is wrong now", "Failed requests", "Errors"}
    for _, panel in panels_of(watched):
        if panel["title"] in titles:
            assert panel["fieldConfig"]["defaults"]["noValue"]


@each_stack
def test_every_variable_in_a_query_is_one_of_its_dashboard_or_grafanas(watched: Watched) -> None:
    for board in rendered_of(watched).values():
        known = {one["name"] for one in board["templating"]["list"]}
        known |= {"__range", "__rate_interval", "__auto"}
        used = {name for panel in board["panels"] for t in panel["targets"] for name in _asked(t["expr"])}
        assert used <= known, board["uid"]


def _asked(expr: str) -> list[str]:
    return re.findall(r"\$(\w+)", expr)


@pytest.mark.parametrize("model", MIXED.models, ids=lambda model: model.engine_name)
def test_where_a_models_engine_tells_nothing_the_panel_says_so(model: WatchedModel) -> None:
    alone = {name.removesuffix(".json") for name in dashboards.render(stack(model))}
    assert "slm-model" in alone
    there = {panel["title"] for panel in rendered_of(stack(model))["slm-model"]["panels"]}
    for panel in rendered_of(MIXED)["slm-model"]["panels"]:
        if panel["title"] not in there:
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
