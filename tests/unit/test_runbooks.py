"""Runbooks: one an alert, complete, with commands and series that exist."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.alerts import alerts_of
from monitoring.alerts.making import RUNBOOKS as PLACE
from monitoring.alerts.making import alerts_in
from monitoring.vocabulary import SERIES, series_of
from monitoring.watched import WatchedCluster
from tests.conftest import ROOT
from tests.monitoring.alert_stack import EVERYTHING
from tests.monitoring.runbook_files import HEADINGS, RUNBOOKS, queries_of, sections_of, series_in

PAGES = sorted(RUNBOOKS.glob("*.md"))
RULES = alerts_in(alerts_of(EVERYTHING))
ON_CLUSTER = alerts_in(alerts_of(replace(EVERYTHING, cluster=WatchedCluster("slm-everything", 8 * 2**30))))


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {page.stem for page in PAGES} == {rule.name for rule in RULES}


def test_each_alert_links_to_its_runbook() -> None:
    for rule in RULES:
        assert (ROOT / rule.annotations["runbook_url"]).is_file(), rule.name
    served = alerts_in(alerts_of(EVERYTHING, "https://runbooks.example/"))
    assert served[0].annotations["runbook_url"] == f"https://runbooks.example/{served[0].name}.md"
    assert RUNBOOKS == ROOT / PLACE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_has_its_four_headings_with_something_below_each(page: Path) -> None:
    assert page.read_text().startswith(f"# {page.stem}\n")
    sections = sections_of(page)
    assert tuple(sections) == HEADINGS
    assert all(len(text) > 40 for text in sections.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbooks_queries_use_series_that_exist_where_its_alert_does(page: Path) -> None:
    known = {series.name for series in SERIES}
    queries = queries_of(page)
    assert queries
    for query in queries:
        used = series_in(query)
        assert used <= known, query
        assert used or query.startswith("ALERTS"), query
        assert used <= {series.name for series in series_of(EVERYTHING)}
    # A query in another block would be tested by nobody.
    assert page.read_text().count("```") == 2 * len(queries)


KUBECTL = ("`kubectl -n slm-<stack> ", "`kubectl -n gpu-slm-<stack> ", "`kubectl drain ")
HERE_AND_THERE = [page for page in PAGES if page.stem in {rule.name for rule in ON_CLUSTER}]


@pytest.mark.parametrize("page", HERE_AND_THERE, ids=lambda page: page.stem)
def test_a_runbook_of_an_alert_that_a_cluster_has_too_says_what_to_do_on_both(page: Path) -> None:
    for title, text in sections_of(page).items():
        if re.search(r"`docker\b|`nvidia-smi|`dmesg|`Exited", text):
            assert "on a cluster" in " ".join(text.lower().split()), title
        for command in re.findall(r"`kubectl[^`]*`", " ".join(text.split())):
            assert command.startswith(KUBECTL), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_names_only_commands_and_pages_that_exist(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)(?=[`; ]|$)", "\n".join(re.findall(r"`[^`]+`", text)))) <= targets
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (RUNBOOKS / link).is_file(), link
