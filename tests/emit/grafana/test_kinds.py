"""Declared panels → Grafana's, each drawn by its kind, with its target and limit."""

from __future__ import annotations

import json
from typing import Any

import promql_parser
import pytest
from every_measure import EVERY_MEASURE
from handrail.declare import (
    Above,
    Arms,
    Below,
    Dashboard,
    Distribution,
    Environment,
    Gauge,
    Guardrail,
    Latency,
    Panel,
    Rate,
    Rollout,
    Row,
    Runbook,
    Text,
    Usage,
    Warning,
)
from handrail.declare.dashboard import Show
from handrail.declare.measures import Measure
from handrail.emit import grafana
from handrail.lower import lower

HERE = Environment("here", receiver="http://handrail:8080")
Page = dict[str, Any]


def page(*parts: Panel | Row | Text) -> list[Page]:
    """The panels of a dashboard with these."""
    shop = Rollout(
        "shop",
        "shop",
        arms=Arms("track", canary="new", stable="old"),
        guardrails=[
            Guardrail(
                "load",
                Rate("x_total"),
                tiers=[Warning(Above("5/s"))],
                runbook=Runbook("Slow.", look=["The log."], fix=["Roll back."]),
            )
        ],
        dashboards=[Dashboard("more", panels=parts)],
    )
    plan = lower([shop], HERE)
    text = grafana.emit(plan.rollouts[0], plan.environment)["grafana/dashboards/shop-more.json"]
    panels: list[Page] = json.loads(text)["panels"]
    return panels


def steps(panel: Page) -> dict[str, list[tuple[float | None, str]]]:
    """The query of a value → from which figure on it has which colour."""
    return {
        override["matcher"]["options"]: [(step["value"], step["color"]) for step in change["value"]["steps"]]
        for override in panel["fieldConfig"]["overrides"]
        for change in override["properties"]
        if change["id"] == "thresholds"
    }


def test_target_and_limit_are_lines_over_curves_in_the_unit_of_their_curve() -> None:
    [panel] = page(
        Panel(
            "Flow",
            {"requests": Rate("x_total"), "p95": Latency("x_seconds", p=95)},
            target={"p95": Below("200ms")},
            limit={"requests": Below("600K/s"), "p95": Above("300ms")},
        )
    )
    assert {t["legendFormat"]: t["expr"] for t in panel["targets"][2:]} == {
        "p95 target: below 200 ms": "vector(0.2)",
        "requests limit: below 600000/s": "vector(600000)",
        "p95 limit: above 300 ms": "vector(0.3)",
    }
    units = {
        override["matcher"]["options"]: [c["value"] for c in override["properties"] if c["id"] == "unit"]
        for override in panel["fieldConfig"]["overrides"]
    }
    assert (panel["type"], units) == ("timeseries", {"B": ["s"], "C": ["s"], "D": [], "E": ["s"]})


def test_what_is_now_has_the_colours_of_its_target_and_its_limit() -> None:
    share = Usage("used", 100)
    panels = page(
        Panel("Both", share, show="gauge", target=Below("80%"), limit=Above("85%")),
        Panel("More is better", share, show="figure", target=Above("99.9%"), limit=Below("99%")),
        Panel("Target", share, show="figure", target=Below("80%")),
        Panel("Limit", share, show="figure", limit=Below("20%")),
        Panel(
            "Several",
            {"p50": Latency("x_seconds", p=50), "p95": Latency("x_seconds", p=95)},
            show="bars",
            target={"p95": Below("200ms")},
        ),
        Panel("None", share, show="figure"),
    )
    assert {panel["title"]: (panel["type"], steps(panel)) for panel in panels} == {
        "Both": ("gauge", {"A": [(None, "green"), (0.8, "orange"), (0.85, "red")]}),
        "More is better": ("stat", {"A": [(None, "red"), (0.99, "orange"), (0.999, "green")]}),
        "Target": ("stat", {"A": [(None, "green"), (0.8, "red")]}),
        "Limit": ("stat", {"A": [(None, "red"), (0.2, "green")]}),
        "Several": ("bargauge", {"B": [(None, "green"), (0.2, "red")]}),
        "None": ("stat", {}),
    }
    assert all(target["instant"] for panel in panels for target in panel["targets"])


def test_a_gauge_of_a_share_goes_up_to_the_whole() -> None:
    share, size = page(
        Panel("Share", Usage("used", 100), show="gauge"),
        Panel("Size", Gauge("bytes_used", unit="bytes"), show="gauge"),
    )
    scales = [
        {key: panel["fieldConfig"]["defaults"].get(key) for key in ("unit", "min", "max")}
        for panel in (share, size)
    ]
    assert scales == [
        {"unit": "percentunit", "min": 0, "max": 1},
        {"unit": "decbytes", "min": 0, "max": None},
    ]


def test_a_distribution_is_a_heatmap_of_the_canary_s_buckets_in_their_own_unit() -> None:
    seconds, milliseconds = page(
        Panel("Seconds", Distribution("x_seconds")), Panel("Milliseconds", Distribution("x_ms", unit="ms"))
    )
    [target] = milliseconds["targets"]
    assert (milliseconds["type"], target["expr"], target["legendFormat"], target["format"]) == (
        "heatmap",
        'sum by (le) (rate(x_ms_bucket{track="new"}[5m]))',
        "{{le}}",
        "heatmap",
    )
    assert [panel["options"]["yAxis"]["unit"] for panel in (seconds, milliseconds)] == ["s", "ms"]


@pytest.mark.parametrize("show", ["curves", "states", "figure", "gauge", "bars", "table"])
@pytest.mark.parametrize(
    "measure", [one for one, _ in EVERY_MEASURE], ids=lambda measure: type(measure).__name__
)
def test_every_measure_can_be_shown_in_every_way(measure: Measure, show: Show) -> None:
    [panel] = page(Panel("One", measure, by=["path"], show=show, note="Look."))
    promql_parser.parse(panel["targets"][0]["expr"])
    assert panel["description"] == "Look."


def test_a_panel_of_the_whole_service_tells_no_arms_apart() -> None:
    parts = page(
        Panel("Flow", Rate("x_total"), whole_service=True),
        Panel("Time", Distribution("x_seconds"), whole_service=True),
    )
    assert [panel["targets"][0]["expr"] for panel in parts] == [
        "sum(rate(x_total[5m]))",
        "sum by (le) (rate(x_seconds_bucket[5m]))",
    ]


def test_rows_have_headings_and_texts_stand_among_their_panels() -> None:
    panels = page(
        Panel("Flow", Rate("x_total")),
        Row(
            "Machine",
            [Panel("Load", Gauge("node_load1")), Text("Logs", "[Newest](https://logs.example.com)")],
        ),
    )
    assert [(panel["type"], panel["title"], panel["gridPos"]["y"]) for panel in panels] == [
        ("timeseries", "Flow", 0),
        ("row", "Machine", 8),
        ("timeseries", "Load", 9),
        ("text", "Logs", 9),
    ]
    assert panels[3]["options"]["content"] == "[Newest](https://logs.example.com)"
