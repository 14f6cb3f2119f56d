"""Answers of a panel → its plot as SVG: lines with their limits, bands of states, a heatmap, bars, a gauge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

from handrail_receiver.plots.ticks import number_ticks, time_text, time_ticks

from dashboards.asking import Points
from dashboards.figures import shown

PALETTE = (
    "#5794f2",
    "#73bf69",
    "#b877d9",
    "#ff9830",
    "#37872d",
    "#8f3bb8",
    "#1f60c4",
    "#fa6400",
    "#3d9fa8",
    "#96742b",
)
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 6, 18
NAMED = {"green": "#3c8a35", "orange": "#e0752d", "red": "#c4162a", "text": "#24292e", "blue": "#3274d9"}


@dataclass(frozen=True)
class Curve:
    """The samples of a line, and how it is drawn; `right` says that it has an axis of its own."""

    name: str
    points: Points
    colour: str
    dashed: bool
    thin: bool
    right: bool
    unit: str


@dataclass(frozen=True)
class Frame:
    """The size of a plot, and the time it shows."""

    width: int
    height: int
    start: float
    end: float

    def x(self, at: float, right: int = RIGHT) -> float:
        """Where a time is."""
        return round(LEFT + (at - self.start) / (self.end - self.start) * (self.width - LEFT - right), 1)

    def y(self, value: float, low: float, high: float) -> float:
        """Where a value is."""
        inside = (value - low) / (high - low or 1)
        return round(self.height - BOTTOM - inside * (self.height - TOP - BOTTOM), 1)


def svg(frame: Frame, parts: Iterable[str]) -> str:
    """The image."""
    inside = "".join(parts)
    return f'<svg width="{frame.width}" height="{frame.height}">{inside}</svg>'


def text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 10, colour: str = "#5d6673"
) -> str:
    """Words at a place."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>'


def lines(frame: Frame, curves: Sequence[Curve], *, from_zero: bool, stacked: bool) -> str:
    """Curves over time, with an axis at the left and, where a curve has its own, one at the right."""
    margin = LEFT if any(curve.right for curve in curves) else RIGHT
    parts = list(_times(frame, margin))
    for right in (False, True):
        mine = [curve for curve in curves if curve.right is right]
        values = [value for curve in mine for _, value in curve.points if math.isfinite(value)]
        if values:
            low, high = _bounds(values, from_zero=from_zero or right or stacked)
            parts += _axis(frame, low, high, mine[0].unit, margin, right=right)
            parts += [_line(frame, curve, low, high, margin, filled=stacked) for curve in mine]
    return svg(frame, parts)


def _bounds(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    low = min(0.0, low) if from_zero or low < 0.4 * high else low
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return (low - room if low > 0 else low), high + room


def _times(frame: Frame, margin: int) -> Iterator[str]:
    for at in time_ticks(frame.start, frame.end, 6):
        x = frame.x(at, margin)
        yield f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{frame.height - BOTTOM}" stroke="#eceff3"/>'
        anchor = "end" if x > frame.width - 22 else "middle"
        yield text(x, frame.height - 5, time_text(at, frame.end - frame.start), anchor)


def _axis(frame: Frame, low: float, high: float, unit: str, margin: int, *, right: bool) -> Iterator[str]:
    for value in number_ticks(low, high, 4):
        y = frame.y(value, low, high)
        if right:
            yield text(frame.width - margin + 5, y + 3, shown(value, unit))
        else:
            yield f'<line x1="{LEFT}" x2="{frame.width - margin}" y1="{y}" y2="{y}" stroke="#e3e7ec"/>'
            yield text(LEFT - 5, y + 3, shown(value, unit), "end")


def _line(frame: Frame, curve: Curve, low: float, high: float, margin: int, *, filled: bool) -> str:
    style = f'fill="none" stroke="{curve.colour}" stroke-width="{1 if curve.thin else 1.6}"'
    dashes = ' stroke-dasharray="6 3"' if curve.dashed else ""
    drawn = []
    for part in _unbroken(curve.points):
        places = " ".join(f"{frame.x(at, margin)},{frame.y(value, low, high)}" for at, value in part)
        if filled:
            ground = frame.y(0, low, high)
            area = f"{frame.x(part[0][0], margin)},{ground} {places} {frame.x(part[-1][0], margin)},{ground}"
            drawn.append(f'<polygon points="{area}" fill="{curve.colour}" opacity="0.35"/>')
        drawn.append(f'<polyline points="{places}" {style}{dashes}/>')
    return "".join(drawn)


def _unbroken(points: Points) -> Iterator[list[tuple[float, float]]]:
    step = min((b[0] - a[0] for a, b in pairwise(points)), default=0)
    part: list[tuple[float, float]] = []
    for at, value in points:
        if part and at - part[-1][0] > 1.5 * step:
            yield part
            part = []
        if math.isfinite(value):
            part.append((at, value))
    if part:
        yield part


def bands(frame: Frame, named: Sequence[tuple[str, Points]]) -> str:
    """A band for each series, filled while it is 1."""
    parts = list(_times(frame, RIGHT))
    height = (frame.height - TOP - BOTTOM) / (len(named) or 1)
    for place, (name, points) in enumerate(named):
        y = TOP + place * height
        step = points[1][0] - points[0][0] if len(points) > 1 else 0
        parts += [
            f'<rect x="{frame.x(began)}" y="{y + 3:.1f}" width="{frame.x(ended) - frame.x(began):.1f}"'
            f' height="{height - 6:.1f}" fill="#8ab8ff"/>'
            for began, ended in _while_one(points, step)
        ]
        parts.append(text(LEFT + 4, y + height / 2 + 3, name, colour="#24292e"))
    return svg(frame, parts)


def _while_one(points: Points, step: float) -> Iterator[tuple[float, float]]:
    """From when to when it is 1."""
    for one, together in groupby(points, lambda point: point[1] == 1):
        inside = list(together)
        if one:
            yield inside[0][0], min(inside[-1][0] + step, points[-1][0])


def heatmap(frame: Frame, buckets: Sequence[tuple[float, Points]], unit: str) -> str:
    """How many are in each bucket: what is up to its bound without what is up to the one below."""
    parts, below = list(_times(frame, RIGHT)), dict[float, float]()
    rows: list[tuple[float, list[tuple[float, float]]]] = []
    for bound, points in sorted(buckets):
        rows.append((bound, [(at, value - below.get(at, 0.0)) for at, value in points]))
        below = dict(points)
    most = max((value for _, row in rows for _, value in row), default=0) or 1
    height = (frame.height - TOP - BOTTOM) / (len(rows) or 1)
    for place, (bound, row) in enumerate(rows):
        y = frame.height - BOTTOM - (place + 1) * height
        name = "more" if bound == math.inf else shown(bound, unit)
        parts.append(text(LEFT - 5, y + height / 2 + 3, name, "end"))
        step = row[1][0] - row[0][0] if len(row) > 1 else 0
        parts += [
            f'<rect x="{frame.x(at)}" y="{y:.1f}" width="{frame.x(at + step) - frame.x(at) + 0.2:.1f}"'
            f' height="{height - 1:.1f}" fill="#1f60c4" opacity="{(value / most) ** 0.5:.2f}"/>'
            for at, value in row
            if value > 0.001 * most and at + step <= frame.end
        ]
    return svg(frame, parts)


@dataclass(frozen=True)
class Bar:
    """What is now: its name, its value and the colour of where it stands."""

    name: str
    value: float
    colour: str
    unit: str


def bars(frame: Frame, all_of_them: Sequence[Bar]) -> str:
    """Bars side by side, each with its figure."""
    most, room = (
        max((bar.value for bar in all_of_them), default=1) or 1,
        frame.width / (len(all_of_them) or 1),
    )
    full, parts = frame.height - 50, []
    for place, bar in enumerate(all_of_them):
        height, x = max(full * bar.value / most, 1), place * room + room * 0.15
        parts += [
            f'<rect x="{x:.1f}" y="26" width="{room * 0.7:.1f}" height="{full}" fill="#f1f3f6"/>',
            f'<rect x="{x:.1f}" y="{26 + full - height:.1f}" width="{room * 0.7:.1f}" height="{height:.1f}" fill="{bar.colour}"/>',
            text(x + room * 0.35, 18, shown(bar.value, bar.unit), "middle", 13, bar.colour),
            text(x + room * 0.35, frame.height - 8, bar.name[:22], "middle"),
        ]
    return svg(frame, parts)


def gauges(
    frame: Frame, all_of_them: Sequence[Bar], highest: float | None, steps: Sequence[tuple[float | None, str]]
) -> str:
    """A dial for each, with the ranges of its colours outside."""
    room = frame.width / (len(all_of_them) or 1)
    radius, parts = min(room * 0.38, frame.height - 48), []
    top = highest or max((bar.value for bar in all_of_them), default=1) * 1.25 or 1
    for place, bar in enumerate(all_of_them):
        x, y = room * (place + 0.5), frame.height - 30
        parts += [
            _arc(x, y, radius, 0, 1, "#eceff3", 14),
            _arc(x, y, radius, 0, min(bar.value / top, 1), bar.colour, 14),
            text(x, y - 8, shown(bar.value, bar.unit), "middle", 20, bar.colour),
            text(x, y + 18, bar.name[:24], "middle"),
        ]
        ends = [figure for figure, _ in steps[1:]] + [top]
        for (figure, colour), upto in zip(steps, ends, strict=False):
            parts.append(
                _arc(
                    x,
                    y,
                    radius + 11,
                    (figure or 0) / top,
                    min((upto or top) / top, 1),
                    NAMED.get(colour, colour),
                    3,
                )
            )
    return svg(frame, parts)


def _arc(x: float, y: float, radius: float, start: float, end: float, colour: str, width: int) -> str:
    def at(share: float) -> str:
        angle = math.pi * (1 - share)
        return f"{x + radius * math.cos(angle):.1f} {y - radius * math.sin(angle):.1f}"

    arc = f"M{at(start)} A{radius:.1f} {radius:.1f} 0 0 1 {at(end)}"
    return f'<path d="{arc}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
