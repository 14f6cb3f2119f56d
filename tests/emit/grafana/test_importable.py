"""Every dashboard of this repository is one that Grafana takes: its model, ids, places, data source, queries."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from emit.grafana.own_pages import PAGES, own_pages
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

CORE = {"bargauge", "gauge", "heatmap", "row", "stat", "state-timeline", "table", "text", "timeseries"}
"""Panels that are part of every Grafana: none needs a plugin."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def asking(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that ask for something."""
    return [panel for panel in page["panels"] if panel["type"] not in {"row", "text"}]


def test_these_are_all() -> None:
    assert sorted(own_pages()) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_sdk_reads_it_and_writes_the_same(name: str) -> None:
    page = own_pages()[name]
    again = json.loads(json.dumps(Model.from_json(page), cls=JSONEncoder))
    for event in page["annotations"]["list"]:  # these three only the data source knows
        for own in ("step", "titleFormat", "useValueForTime"):
            del event[own]
    assert again == page


@pytest.mark.parametrize("name", PAGES)
def test_it_has_what_an_import_asks_for(name: str) -> None:
    page = own_pages()[name]
    assert isinstance(page["schemaVersion"], int)
    assert page["schemaVersion"] >= 36
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", page["uid"])
    assert page.get("id") is None  # Grafana gives it
    assert page["title"].strip()
    assert (page["time"]["to"], page["editable"]) == ("now", False)
    assert re.fullmatch(r"now-\d+[mhd]", page["time"]["from"])
    assert re.fullmatch(r"\d+[smh]", page["refresh"])
    [variable] = page["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )


def test_no_two_have_one_uid_or_title() -> None:
    pages = own_pages().values()
    assert len({page["uid"] for page in pages}) == len({page["title"] for page in pages}) == len(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_ids_and_places_of_panels_never_clash(name: str) -> None:
    page = own_pages()[name]
    ids = [panel["id"] for panel in page["panels"]]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in page["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert ids == list(range(1, len(ids) + 1))
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_is_of_a_kind_that_each_grafana_has_and_asks_the_chosen_prometheus(name: str) -> None:
    page = own_pages()[name]
    assert {panel["type"] for panel in page["panels"]} <= CORE
    for panel in asking(page):
        targets = panel["targets"]
        assert panel["datasource"] == SOURCE, panel["title"]
        assert len({target["refId"] for target in targets}) == len(targets) > 0, panel["title"]
        assert len({target["legendFormat"] for target in targets}) == len(targets), panel["title"]
        assert all(target["expr"].strip() for target in targets), panel["title"]
        assert all(target.get("instant", False) is not target.get("range", False) for target in targets)
    assert all(event["datasource"] == SOURCE for event in page["annotations"]["list"])


@pytest.mark.parametrize("name", PAGES)
def test_an_override_is_about_a_query_or_a_column_that_the_panel_has(name: str) -> None:
    for panel in asking(own_pages()[name]):
        known = {target["refId"] for target in panel["targets"]}
        columns = {
            text
            for one in panel.get("transformations", [])
            for text in one["options"].get("renameByName", {}).values()
        }
        for override in panel["fieldConfig"].get("overrides", []):
            of = override["matcher"]
            assert of["options"] in {"byFrameRefID": known, "byName": columns}[of["id"]], panel["title"]
