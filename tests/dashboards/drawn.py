"""A generated dashboard and the answers to its queries → a page of HTML that looks like it: rows, panels, legends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import Any

from dashboards import plots
from dashboards.asking import Answer, Past
from dashboards.figures import shown
from dashboards.plots import NAMED, PALETTE, Bar, Curve, Frame

COLUMN, LINE, GAP, LEGEND = 40, 27, 6, 13
STYLE = """\
* { box-sizing: border-box; } body { margin: 0; background: #f4f5f5; font: 11px 'DejaVu Sans', sans-serif; color: #24292e; }
h1 { font-size: 15px; font-weight: 600; margin: 0; padding: 8px 10px; height: 36px; } main { position: relative; }
section { position: absolute; background: #fff; border: 1px solid #dcdfe4; border-radius: 2px; padding: 5px 7px; overflow: hidden; }
section.row { background: none; border: 0; font-weight: 600; font-size: 12px; padding: 6px 2px; }
h2 { font-size: 11px; font-weight: 600; margin: 0 0 3px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.legend { line-height: 13px; overflow: hidden; color: #464c54; font-size: 9.5px; }
.legend b { display: inline-block; width: 13px; height: 2px; margin: 0 3px 3px 0; } .legend span { margin-right: 9px; white-space: nowrap; }
.stat { display: flex; height: calc(100% - 18px); align-items: center; justify-content: space-around; text-align: center; }
.stat strong { font-size: 20px; font-weight: 500; display: block; } .none { color: #6e7780; font-size: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 10px; } td, th { text-align: left; padding: 3px 5px; border-bottom: 1px solid #eceff3; }
code { background: #f1f3f6; padding: 0 3px; }
"""
SOFT = {"Time", "__name__"}


@dataclass(frozen=True)
class Query:
    """A query of a panel with what it is called and how it looks."""

    ref: str
    expr: str
    legend: str
    instant: bool
    looks: dict[str, Any]

    def name(self, answer: Answer) -> str:
        """The legend of a series."""
        if self.legend == "__auto":
            return ", ".join(answer.labels.values())
        return re.sub(r"\{\{(\w+)\}\}", lambda found: answer.labels.get(found[1], ""), self.legend)


def page(dashboard: dict[str, Any], known: Past, lasts: int) -> str:
    """The whole dashboard, over the last seconds."""
    panels = dashboard["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * LINE
    inside = "".join(_section(panel, known, lasts) for panel in panels)
    width = 24 * COLUMN
    return (
        f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body style="width:{width + GAP}px">'
        f'<h1>{escape(dashboard["title"])}</h1><main style="height:{height + GAP}px">{inside}</main>'
    )


def _section(panel: dict[str, Any], known: Past, lasts: int) -> str:
    at = panel["gridPos"]
    place = f"left:{at['x'] * COLUMN + GAP}px;top:{at['y'] * LINE}px;width:{at['w'] * COLUMN - GAP}px;height:{at['h'] * LINE - GAP}px"
    if panel["type"] == "row":
        return f'<section class="row" style="{place}">▾ {escape(panel["title"])}</section>'
    frame = Frame(at["w"] * COLUMN - GAP - 16, at["h"] * LINE - GAP - 32, known.end - lasts, known.end)
    drawn = DRAWN[panel["type"]](panel, frame, known, lasts)
    return f'<section style="{place}"><h2>{escape(panel["title"])}</h2>{drawn}</section>'


def queries(panel: dict[str, Any]) -> list[Query]:
    """What a panel asks, with what is special about each."""
    looks: dict[str, dict[str, Any]] = {}
    for override in panel["fieldConfig"].get("overrides", []):
        if override["matcher"]["id"] == "byFrameRefID":
            looks[override["matcher"]["options"]] = {p["id"]: p["value"] for p in override["properties"]}
    return [
        Query(t["refId"], t["expr"], t["legendFormat"], t.get("instant", False), looks.get(t["refId"], {}))
        for t in panel["targets"]
    ]


def _lines(panel: dict[str, Any], frame: Frame, known: Past, lasts: int) -> str:
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    colours = cycle(PALETTE)
    curves = [
        _curve(query, answer, unit, colours)
        for query in queries(panel)
        for answer in known.over(query.expr, lasts)
    ]
    legend = "".join(
        f'<span><b style="background:{curve.colour}"></b>{escape(curve.name)}</span>' for curve in curves
    )
    deep = min(4, 1 + sum(6 * len(curve.name) + 28 for curve in curves) // frame.width) * LEGEND
    room = Frame(frame.width, frame.height + 1 - deep, frame.start, frame.end)
    plot = plots.lines(room, curves, from_zero="axisSoftMin" in custom, stacked=stacked)
    return f'{plot}<div class="legend" style="height:{deep}px">{legend}</div>'


def _curve(query: Query, answer: Answer, unit: str, colours: Iterator[str]) -> Curve:
    fixed, own = query.looks.get("color", {}).get("fixedColor"), query.looks.get("unit", unit)
    return Curve(
        query.name(answer),
        answer.points,
        NAMED.get(fixed, fixed) or next(colours),
        "custom.lineStyle" in query.looks,
        bool(fixed),
        query.looks.get("custom.axisPlacement") == "right" or own != unit,
        own,
    )


def _bands(panel: dict[str, Any], frame: Frame, known: Past, lasts: int) -> str:
    found = [
        (query.name(answer), answer.points)
        for query in queries(panel)
        for answer in known.over(query.expr, lasts)
    ]
    return plots.bands(frame, found)


def _heatmap(panel: dict[str, Any], frame: Frame, known: Past, lasts: int) -> str:
    [query] = queries(panel)
    found = [(float(answer.labels["le"]), answer.points) for answer in known.over(query.expr, lasts, 90)]
    return plots.heatmap(frame, found, panel["options"]["yAxis"]["unit"])


def _now(panel: dict[str, Any], known: Past) -> Iterator[Bar]:
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    for query in queries(panel):
        steps = _steps(query)
        for answer in known.now(query.expr):
            value = answer.points[-1][1]
            reached = [colour for figure, colour in steps if figure is None or value >= figure]
            colour = NAMED.get(reached[-1], reached[-1]) if reached else NAMED["blue"]
            yield Bar(query.name(answer), value, colour, query.looks.get("unit", unit))


def _steps(query: Query) -> list[tuple[float | None, str]]:
    return [(step["value"], step["color"]) for step in query.looks.get("thresholds", {}).get("steps", [])]


def _stat(panel: dict[str, Any], _: Frame, known: Past, __: int) -> str:
    found, defaults = list(_now(panel, known)), panel["fieldConfig"]["defaults"]
    if not found:
        return f'<div class="stat none">{escape(defaults.get("noValue", "No data"))}</div>'
    said = {
        value: one["text"]
        for mapping in defaults.get("mappings", [])
        for value, one in mapping["options"].items()
    }
    names = panel["options"].get("textMode") == "name"
    coloured = panel["options"].get("colorMode") == "value"
    several = len(found) > 1 and not names
    parts = []
    for bar in found:
        figure = bar.name if names else said.get(f"{bar.value:g}", shown(bar.value, bar.unit))
        colour = bar.colour if coloured else NAMED["text"]
        parts.append(
            f'<div>{escape(bar.name) if several else ""}<strong style="color:{colour}">{escape(figure)}</strong></div>'
        )
    return f'<div class="stat">{"".join(parts)}</div>'


def _bars(panel: dict[str, Any], frame: Frame, known: Past, _: int) -> str:
    return plots.bars(frame, list(_now(panel, known)))


def _gauge(panel: dict[str, Any], frame: Frame, known: Past, _: int) -> str:
    highest = panel["fieldConfig"]["defaults"].get("max")
    return plots.gauges(frame, list(_now(panel, known)), highest, _steps(queries(panel)[0]))


def _table(panel: dict[str, Any], _: Frame, known: Past, __: int) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    options = next(one["options"] for one in panel["transformations"] if one["id"] == "organize")
    units = {
        override["matcher"]["options"]: change["value"]
        for override in panel["fieldConfig"].get("overrides", [])
        for change in override["properties"]
        if change["id"] == "unit"
    }
    merged: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    asked = queries(panel)
    for query in asked:
        column = "Value" if len(asked) == 1 else f"Value #{query.ref}"
        called = options["renameByName"].get(column, column)
        for answer in known.now(query.expr):
            labels = {key: value for key, value in answer.labels.items() if key not in SOFT}
            row = merged.setdefault(tuple(sorted(labels.items())), dict(labels))
            if not options["excludeByName"].get(column):
                row[called] = shown(answer.points[-1][1], units.get(called, defaults.get("unit", "short")))
    if not merged:
        return f'<div class="stat none">{escape(defaults.get("noValue", "No data"))}</div>'
    heads = list(dict.fromkeys(key for row in merged.values() for key in row))
    head = "".join(f"<th>{escape(key)}</th>" for key in heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(row.get(key, ''))}</td>" for key in heads) + "</tr>"
        for row in merged.values()
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _text(panel: dict[str, Any], _: Frame, __: Past, ___: int) -> str:
    words = escape(panel["options"]["content"])
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", words)
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', words)


DRAWN: dict[str, Callable[[dict[str, Any], Frame, Past, int], str]] = {
    "timeseries": _lines,
    "state-timeline": _bands,
    "heatmap": _heatmap,
    "stat": _stat,
    "bargauge": _bars,
    "gauge": _gauge,
    "table": _table,
    "text": _text,
}
