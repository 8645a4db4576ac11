"""Grafana's dashboards: that Grafana's schema reads them, and what every panel has.

Grafana does not run here: it is in no package registry. What can be checked without it is that the types
generated from its own schemas read every file and lose nothing, and what the kit promises of each panel.
"""

import json
import re

from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring import dashboards
from monitoring.dashboards import draw
from monitoring.watched import Watched
from tests.unit.dashboard_parts import each_stack, panels_of, rendered_of

UIDS = ("slm-overview", "slm-model", "slm-gateway", "slm-hardware", "slm-usage", "slm-logs")


@each_stack
def test_the_schema_reads_every_dashboard_and_loses_nothing(watched: Watched) -> None:
    register_default_plugins()
    for name, text in dashboards.render(watched).items():
        assert draw.dump(Dashboard.from_json(json.loads(text))) == text, name


@each_stack
def test_there_is_one_dashboard_for_each_subject_and_all_carry_the_tag(watched: Watched) -> None:
    rendered = rendered_of(watched)
    assert tuple(rendered) == UIDS
    for uid, board in rendered.items():
        assert board["uid"] == uid
        assert board["tags"] == ["slm-kit"]
        assert board["refresh"] == "30s"
        assert board["editable"] is False


@each_stack
def test_panel_ids_are_unique_and_panels_do_not_overlap(watched: Watched) -> None:
    for uid, board in rendered_of(watched).items():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), uid
        cells: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            covered = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & covered, f"{uid}: {panel['title']}"
            cells |= covered


@each_stack
def test_every_panel_has_a_unit_that_grafana_knows_a_description_and_a_link(watched: Watched) -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    for place, panel in panels_of(watched):
        assert panel["fieldConfig"]["defaults"]["unit"] in known, place
        for override in panel["fieldConfig"]["overrides"]:
            for setting in override["properties"]:
                assert setting["id"] != "unit" or setting["value"] in known, place
        assert len(panel["description"]) > 40, place
        assert panel["links"], place


@each_stack
def test_every_link_leads_to_a_dashboard_that_has_the_variables_it_sets(watched: Watched) -> None:
    rendered = rendered_of(watched)
    variables = {uid: {one["name"] for one in board["templating"]["list"]} for uid, board in rendered.items()}
    for place, panel in panels_of(watched):
        here = variables[place.split(":")[0]]
        for link in (*panel["links"], *panel["fieldConfig"]["defaults"].get("links", [])):
            found = re.fullmatch(r"/d/([a-z-]+)\?\$\{__url_time_range\}(.*)", link["url"])
            assert found, place
            there = variables[found[1]]
            for one in filter(None, found[2].split("&")):
                kept, made = re.fullmatch(r"\$\{(\w+):queryparam\}", one), re.match(r"var-(\w+)=(.+)", one)
                assert (kept and kept[1] in here & there) or (made and made[1] in there), f"{place}: {one}"
                asked = re.findall(r"=\$(\w+)$", one)
                assert set(asked) <= here, f"{place}: {one}"


@each_stack
def test_a_column_that_a_link_reads_its_model_from_is_there(watched: Watched) -> None:
    for place, panel in panels_of(watched):
        for link in panel["fieldConfig"]["defaults"].get("links", []):
            source = "".join(target["expr"] + target.get("legendFormat", "") for target in panel["targets"])
            assert re.search(r"by \([^)]*\bmodel\b", source), f"{place}: {link['url']}"
