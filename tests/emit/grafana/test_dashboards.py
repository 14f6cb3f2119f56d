"""Rollouts → dashboards: what is in them, as Grafana's SDK and a reader see it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from emit.each import of_each
from handrail.declare import (
    Above,
    Arms,
    Below,
    Changed,
    Critical,
    Dashboard,
    Environment,
    Gauge,
    Guardrail,
    HAProxySplit,
    Is,
    Latency,
    Panel,
    Rate,
    Ratio,
    Rollout,
    Runbook,
    Stage,
    State,
    Warning,
)
from handrail.emit import grafana
from handrail.lower import lower

BOOK = Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."])
ERRORS = Ratio(bad='requests_total{status=~"5.."}', of="requests_total")
Page = dict[str, Any]

shop = Rollout(
    name="shop",
    service="shop",
    arms=Arms("track", canary="new", stable="old"),
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
    guardrails=[
        Guardrail(
            "errors",
            ERRORS,
            title="Share of errors",
            success=Below("1%"),
            tiers=[
                Warning(Above("1%"), sustained="5m"),
                Critical(Above({"10%": "5%", "100%": "2%"}), action="rollback"),
            ],
            runbook=BOOK,
        ),
        Guardrail(
            "breaker",
            State("breaker_state"),
            title="Breaker",
            whole_service=True,
            tiers=[Warning(Changed("5m")), Critical(Is("open"), action="hold")],
            runbook=BOOK,
        ),
    ],
    dashboards=[
        Dashboard("main", panels=[Panel("Carts", Gauge("carts"), show="figure")], refresh="5s", last="1h"),
        Dashboard(
            "flow",
            panels=[
                Panel(
                    "Flow",
                    {"requests": Rate("requests_total"), "p95": Latency("request_seconds", p=95)},
                    by=["path"],
                    limits_of="errors",
                )
            ],
        ),
    ],
)


def pages(*rollouts: Rollout) -> dict[str, Page]:
    """File name → dashboard."""
    files = of_each(grafana.emit, lower(rollouts, Environment("here", receiver="http://handrail:8080")))
    return {Path(path).name: json.loads(text) for path, text in files.items() if path.endswith(".json")}


def panel(page: Page, title: str) -> Page:
    found: list[Page] = [panel for panel in page["panels"] if panel["title"] == title]
    [only] = found
    return only


def lines(panel: Page) -> dict[str, str]:
    """Legend → query."""
    return {target["legendFormat"]: target["expr"] for target in panel["targets"]}


def test_a_guardrail_s_panel_has_its_value_the_other_arm_its_limits_and_its_traffic() -> None:
    found = panel(pages(shop)["shop.json"], "Share of errors")
    value = 'handrail:guardrail:value{rollout="shop",guardrail="errors"}'
    events = 'handrail:guardrail:events{rollout="shop",guardrail="errors",track="new"}'
    old = 'sum by (track) (rate(requests_total{track="old"}[5m]))'
    bad = 'sum by (track) (rate(requests_total{status=~"5..",track="old"}[5m]))'

    def stage(name: str) -> str:
        series = f'handrail_rollout_stage{{rollout="shop",stage="{name}"}}'
        return f"(max by (stage) (last_over_time({series}[10m])) == 1)"

    assert lines(found) == {
        "{{track}}": value,
        "{{track}} (not judged)": f"({bad} or on (track) {old} * 0) / on (track) ({old} > 0)",
        "warning → investigate": "vector(0.01)",
        "critical → rollback": f"min({stage('10%')} * 0.05 or {stage('100%')} * 0.02)",
        "success": "vector(0.01)",
        "events in 5m": events,
        "events needed to judge": "vector(100)",
    }


def test_lines_are_told_apart_by_colour_and_dashes_and_events_have_their_own_axis() -> None:
    found = panel(pages(shop)["shop.json"], "Share of errors")
    looks = {
        override["matcher"]["options"]: {p["id"]: p["value"] for p in override["properties"]}
        for override in found["fieldConfig"]["overrides"]
    }
    refs = {target["legendFormat"]: target["refId"] for target in found["targets"]}
    assert looks[refs["critical → rollback"]] == {
        "color": {"mode": "fixed", "fixedColor": "#ff780a"},
        "custom.lineWidth": 1,
        "custom.lineStyle": {"fill": "dash", "dash": [10, 5]},
    }
    assert looks[refs["events in 5m"]] == {
        "color": {"mode": "fixed", "fixedColor": "#9e9e9e"},
        "custom.lineWidth": 1,
        "custom.axisPlacement": "right",
        "unit": "short",
    }
    assert refs["{{track}}"] not in looks


def test_a_panel_says_its_tiers_and_leads_to_its_section_of_the_runbook() -> None:
    found = panel(pages(shop)["shop.json"], "Share of errors")
    assert found["description"] == (
        "Nobody can buy.\n\n**warning**: above 1 % sustained for 5m → investigate\n\n"
        "**critical**: above 5 % in stage 10%, 2 % in stage 100% → rollback"
    )
    assert [link["url"] for link in found["links"]] == ["https://runbooks.example.com/shop.md#errors"]


def test_a_state_is_a_timeline_of_its_states() -> None:
    found = panel(pages(shop)["shop.json"], "Breaker")
    value = 'handrail:guardrail:value{rollout="shop",guardrail="breaker",signal=""}'
    assert (found["type"], lines(found)) == ("state-timeline", {"{{state}}": value})


def test_declared_panels_follow_on_the_rollout_s_own_page_which_takes_refresh_and_time_from_main() -> None:
    page = pages(shop)["shop.json"]
    assert [panel["title"] for panel in page["panels"]][-2:] == ["More", "Carts"]
    assert (page["refresh"], page["time"]) == ("5s", {"from": "now-1h", "to": "now"})
    assert lines(panel(page, "Carts")) == {"{{track}}": "max by (track) (carts)"}


def test_a_curve_is_kept_apart_by_arm_and_labels_and_shown_in_its_own_unit() -> None:
    page = pages(shop)["shop-flow.json"]
    found = panel(page, "Flow")
    assert page["title"] == "shop: flow"
    assert list(lines(found)) == [
        "requests {{track}} {{path}}",
        "p95 {{track}} {{path}}",
        "warning → investigate",
        "critical → rollback",
        "success",
    ]
    assert found["targets"][0]["expr"] == "sum by (track, path) (rate(requests_total[5m]))"
    assert found["fieldConfig"]["defaults"]["unit"] == "cps"
    assert found["fieldConfig"]["overrides"][0]["properties"] == [{"id": "unit", "value": "s"}]


def test_stages_are_events_at_the_time_they_began() -> None:
    events = {event["name"]: event for event in pages(shop)["shop.json"]["annotations"]["list"]}
    entered = 'handrail_rollout_stage_entered_timestamp_seconds{rollout="shop"}'
    assert events["Stages"]["expr"] == f"max by (stage) ({entered}) * 1000"
    assert (events["Stages"]["useValueForTime"], events["Stages"]["titleFormat"]) == (True, "stage {{stage}}")
    assert events["Actions"]["titleFormat"] == "{{action}}: {{outcome}}"


def test_time_is_shown_to_the_second() -> None:
    page = pages(shop)["shop.json"]
    units = [
        panel(page, title)["fieldConfig"]["defaults"]["unit"]
        for title in ("Time in this stage", "Bake time left")
    ]
    assert units == ["dtdhms", "dtdhms"]


def test_the_time_that_is_left_of_a_stage_counts_its_warm_up() -> None:
    stages = [Stage("10%", weight="10%", warm_up="10m", bake="1h"), Stage("100%", weight="100%")]
    page = pages(replace(shop, stages=stages))["shop.json"]
    assert "+ 4200 - time()" in panel(page, "Bake time left")["targets"][0]["expr"]


def test_a_table_has_no_column_that_is_the_same_in_every_row() -> None:
    declared = Panel("Now", Gauge("carts"), show="table", by=["shop"])
    several = Panel("Both", {"carts": Gauge("carts"), "time": Latency("x", p=95)}, show="table")
    other = replace(shop, dashboards=[Dashboard("main", panels=[declared, several])])
    page = pages(other)["shop.json"]
    found = {title: panel(page, title)["transformations"] for title in ("Alerts", "Now", "Both")}
    left_out = {"excludeByName": {"Time": True}, "indexByName": {}}
    assert found == {
        "Alerts": [
            {
                "id": "organize",
                "options": {**left_out, "excludeByName": {"Time": True, "Value": True}, "renameByName": {}},
            }
        ],
        "Now": [{"id": "organize", "options": {**left_out, "renameByName": {"Value": "value"}}}],
        "Both": [
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {**left_out, "renameByName": {"Value #A": "carts", "Value #B": "time"}},
            },
        ],
    }
    overrides = panel(page, "Both")["fieldConfig"]["overrides"]
    assert overrides == [
        {"matcher": {"id": "byName", "options": "time"}, "properties": [{"id": "unit", "value": "s"}]}
    ]


def test_a_page_begins_with_the_environment_s_prometheus_and_takes_no_other_where_it_has_a_name() -> None:
    def variable(environment: Environment) -> dict[str, Any]:
        [text] = [
            text
            for path, text in of_each(grafana.emit, lower([shop], environment)).items()
            if path.endswith("/shop.json")
        ]
        [found] = json.loads(text)["templating"]["list"]
        return {key: found[key] for key in ("name", "query", "current", "regex") if key in found}

    assert variable(Environment("here")) == {
        "name": "datasource",
        "query": "prometheus",
        "current": {"selected": True, "text": "Prometheus", "value": "prometheus"},
    }
    assert variable(Environment("eu", datasource="Prometheus (eu)")) == {
        "name": "datasource",
        "query": "prometheus",
        "current": {"selected": True, "text": "Prometheus (eu)", "value": "prometheus--eu-"},
        "regex": "/^Prometheus\\ \\(eu\\)$/",
    }


def test_a_page_leads_to_the_runbook_the_rollout_page_and_its_sisters() -> None:
    links = pages(shop)["shop.json"]["links"]
    assert [(link["title"], link["url"], link["tags"]) for link in links] == [
        ("Runbook", "https://runbooks.example.com/shop.md", []),
        ("Rollout page", "http://handrail:8080/rollouts/shop", []),
        ("Dashboards", "", ["rollout:shop"]),
    ]


def test_a_uid_is_the_rollout_s_name_and_never_longer_than_grafana_takes() -> None:
    long = "a-rollout-with-a-name-that-is-longer-than-forty-characters"
    other = Rollout(name=long, service="shop", guardrails=shop.guardrails[1:])
    uids = {name: page["uid"] for name, page in pages(shop, other).items()}
    assert uids == {
        "shop.json": "shop",
        "shop-flow.json": "shop-flow",
        f"{long}.json": "a-rollout-with-a-name-that-is-l-5093f82a",
    }
    assert max(map(len, uids.values())) <= 40
