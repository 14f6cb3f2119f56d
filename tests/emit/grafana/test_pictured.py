"""docs/reference/dashboards: its pages say what is generated, and its pictures are drawn from every panel."""

from __future__ import annotations

import math
import re
from html import unescape

import httpx
import pytest
from dashboards.asking import Answer, Past, levels
from dashboards.drawn import DRAWN, page
from dashboards.exported import series_of_sources
from dashboards.figures import shown
from dashboards.history import LASTS, STEP, history
from dashboards.sources_table import SOURCES
from dashboards.text import PLACE, pages
from emit.grafana.own_pages import PAGES, own_pages
from own_rollouts import own_plan
from servers import PLAIN

END = 1_800_000_000
MOST = 1_000_000
"""How many bytes all pictures may have together."""


def test_the_pages_are_what_is_generated() -> None:
    """`PYTHONPATH=tests .venv/bin/python -m dashboards.text` writes them, `make dashboards` the pictures as well."""
    made = pages(own_plan().rollouts, own_pages())
    assert {path.name: path.read_text(encoding="utf-8") for path in PLACE.glob("*.md")} == made


def test_each_dashboard_has_its_picture_and_together_they_are_small() -> None:
    pictures = {path.stem: path.stat().st_size for path in (PLACE / "pictures").iterdir()}
    assert sorted(pictures) == sorted(name.removesuffix(".json") for name in own_pages())
    assert sum(pictures.values()) < MOST


class Same(Past):
    """A Prometheus that answers every question with one series."""

    def now(self, expr: str) -> list[Answer]:
        return [Answer({"le": "0.5", "instance": "here"}, ((float(END), 0.5),))] if expr else []

    def over(self, expr: str, lasts: int, points: int = 180) -> list[Answer]:
        samples = tuple((float(END - lasts + place * STEP), 0.5) for place in range(points if expr else 0))
        return [Answer({"le": "0.5", "instance": "here"}, samples)]


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_is_drawn_with_its_title_and_its_legends(name: str) -> None:
    dashboard = own_pages()[name]
    html = unescape(page(dashboard, Same(httpx.Client(verify=PLAIN), END), 3600))
    titles = re.findall(r"<h2>(.*?)</h2>", html)
    assert titles == [panel["title"] for panel in dashboard["panels"] if panel["type"] != "row"]
    fixed = [
        target["legendFormat"]
        for panel in dashboard["panels"]
        if panel["type"] == "timeseries"
        for target in panel["targets"]
        if "{{" not in target["legendFormat"]
    ]
    assert [legend for legend in fixed if f"</b>{legend}</span>" not in html] == []


def test_there_is_a_pen_for_each_kind_of_panel() -> None:
    kinds = {panel["type"] for dashboard in own_pages().values() for panel in dashboard["panels"]}
    assert kinds - {"row"} == set(DRAWN)


def test_counters_of_the_history_never_fall_and_it_is_the_same_each_time() -> None:
    plan = own_plan()
    sources = [
        one
        for one in series_of_sources(SOURCES, plan.environment.scrape)
        if one.name.startswith("http_request_duration") and dict(one.labels)["job"] == "aidin-log"
    ]
    lines = list(history(sources, (), END))
    assert list(history(sources, (), END)) == lines
    by_series: dict[str, list[float]] = {}
    for line in lines:
        if not line.startswith("#"):
            series, value, _ = line.rsplit(" ", 2)
            by_series.setdefault(series, []).append(float(value))
    counted = [values for series, values in by_series.items() if "heartbeat" not in series]
    [number] = {len(values) for values in counted}
    assert number > LASTS // STEP
    assert all(values == sorted(values) for values in counted)


def test_recording_rules_come_after_those_that_they_read() -> None:
    rules = """
        groups:
          - name: all
            rules:
              - {record: c, expr: sum(b) + sum(a)}
              - {record: b, expr: "rate(a[5m])"}
              - {record: a, expr: x}
              - {alert: Never, expr: c > 1}
    """
    assert [[rule["record"] for rule in level] for level in levels([rules])] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9994, "percentunit", "99.94%"),
        (0.062, "s", "62 ms"),
        (410, "ms", "410 ms"),
        (776_000, "cps", "776K c/s"),
        (5400, "dtdhms", "01:30:00"),
        (90_061, "dtdhms", "1 d 01:01:01"),
        (512e6, "decbytes", "512 MB"),
        (0, "short", "0"),
        (math.nan, "short", "no data"),
    ],
)
def test_a_figure_is_written_as_grafana_writes_it(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
