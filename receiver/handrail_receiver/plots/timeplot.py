"""Lines, limits and moments → one SVG image: a line for each arm, a limit for each stage, a mark at each decision.

It brings no colours of its own: whoever shows it puts STYLE into its style sheet once, which knows light and dark. Arms
are told apart by their strokes as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from handrail_receiver.plots.ticks import bounds, number_ticks, time_text, time_ticks
from handrail_receiver.words.figures import figure

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 22, 26
TICK = 90
"""How much room a time needs at the axis."""
LETTERS, WIDE = 11, 7
"""How high words are, and how wide a letter of them is, about."""
GAP = 1.5
"""How many steps may lie between two samples that a line joins."""
STYLE = """\
.plot { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; --canary: #1f4fc4; --stable: #4d5b70;
  --limit: #b71c1c; --mark: #8a4b00; --grid: #d9dee7; }
@media (prefers-color-scheme: dark) { .plot { --canary: #8db2ff; --stable: #a0aabb; --limit: #ff8a80; --mark: #f3bb66;
  --grid: #2d3542; } }
.plot text { fill: currentColor; } .plot .grid { stroke: var(--grid); }
.plot .line { fill: none; stroke-width: 2; stroke: var(--canary); }
.plot .stable { stroke: var(--stable); stroke-dasharray: 6 3; stroke-width: 1.5; }
.plot .other { stroke: var(--stable); stroke-width: 1; } .plot circle.line { fill: var(--canary); }
.plot .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 2 3; } .plot text.limit { stroke: none; fill: var(--limit); }
.plot .mark { stroke: var(--mark); } .plot path.mark { fill: var(--mark); }
"""


@dataclass(frozen=True)
class Curve:
    """The samples of one arm: seconds since 1970, and the value. `arm` is canary, stable or other."""

    name: str
    arm: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LimitLine:
    """A limit, for as long as it held: in one stage, say. One that moves is several, of which the last alone has a text."""

    text: str
    figure: float
    start: float
    end: float


@dataclass(frozen=True)
class Mark:
    """A moment that people should see: a decision, say."""

    at: float
    text: str


@dataclass(frozen=True)
class TimePlot:
    """What a plot shows from `start` to `end`; `step` is how far samples are apart. `name` tells it from others on a page.

    `far` are the limits so far away that they would flatten the lines: they are told in words alone. `width` and `height` are
    the size at which its words can be read.
    """

    name: str
    title: str
    unit: str
    start: float
    end: float
    step: float
    lines: tuple[Curve, ...]
    limits: tuple[LimitLine, ...] = ()
    marks: tuple[Mark, ...] = ()
    far: tuple[LimitLine, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT


def described(plot: TimePlot) -> str:
    """The plot in words, for those who do not see it."""
    parts = [_line_words(line, plot.unit) for line in plot.lines] or ["nothing was recorded"]
    parts += [f"limit {said}" for said in dict.fromkeys(_limit_words(plot.limits, plot.unit))]
    parts += [f"limit {said}, too far away to be drawn" for said in far_words(plot)]
    parts += [f"{_clock(mark.at)}: {mark.text}" for mark in plot.marks]
    return f"From {_clock(plot.start)} to {_clock(plot.end)} UTC. {'; '.join(parts)}."


def far_words(plot: TimePlot) -> list[str]:
    """The limits that are not drawn, `emergency, 50 %`, each once."""
    return list(dict.fromkeys(_limit_words(plot.far, plot.unit)))


def svg(plot: TimePlot) -> str:
    """The image, for use in a page."""
    root = _tag(
        "svg",
        {
            "class": "plot",
            "viewBox": f"0 0 {plot.width} {plot.height}",
            "width": plot.width,
            "height": plot.height,
            "role": "img",
            "aria-labelledby": f"{plot.name}-title {plot.name}-desc",
        },
    )
    title = _with_text("title", {"id": f"{plot.name}-title"}, plot.title)
    words = _with_text("desc", {"id": f"{plot.name}-desc"}, described(plot))
    return "".join([root, title, words, *_Drawing(plot).draw(), "</svg>"])


Places = Mapping[str, float | str]


def _tag(name: str, attributes: Places, end: str = ">") -> str:
    return f"<{name}{''.join(f' {key}={quoteattr(str(value))}' for key, value in attributes.items())}{end}"


def _with_text(name: str, attributes: Places, text: str) -> str:
    return f"{_tag(name, attributes)}{escape(text)}</{name}>"


class _Drawing:
    """The parts of an image, as text: twenty of them are in a page, each of some hundred points."""

    def __init__(self, plot: TimePlot) -> None:
        self._plot, self._parts = plot, list[str]()
        self._named = list[tuple[str, float, float]]()
        self._right, self._bottom = plot.width - RIGHT, plot.height - BOTTOM
        shown = [value for line in plot.lines for _, value in line.points]
        self._low, high = bounds([*shown, *(limit.figure for limit in plot.limits)])
        self._high = high
        self._per_second = (self._right - LEFT) / (plot.end - plot.start or 1.0)
        self._per_unit = (self._bottom - TOP) / (high - self._low)

    def draw(self) -> list[str]:
        """What lies behind first."""
        self._axes()
        for mark in self._plot.marks:
            self._mark(mark)
        for limit in self._plot.limits:
            self._limit(limit)
        for line in self._plot.lines:
            self._line(line)
        self._legend()
        return self._parts

    def _x(self, at: float) -> float:
        inside = min(max(at, self._plot.start), self._plot.end) - self._plot.start
        return round(LEFT + inside * self._per_second, 1)

    def _y(self, value: float) -> float:
        return round(self._bottom - (value - self._low) * self._per_unit, 1)

    def _axes(self) -> None:
        for value in number_ticks(self._low, self._high):
            y = self._y(value)
            self._add("line", "grid", x1=LEFT, x2=self._right, y1=y, y2=y)
            self._label(LEFT - 6, y + 4, figure(str(value), self._plot.unit), "end")
        for at in time_ticks(self._plot.start, self._plot.end, (self._right - LEFT) // TICK):
            text, x = time_text(at, self._plot.end - self._plot.start), self._x(at)
            near_the_end = x > self._right - 3 * len(text)
            self._label(x, self._plot.height - 8, text, "end" if near_the_end else "middle")

    def _line(self, line: Curve) -> None:
        kind = "line" if line.arm == "canary" else f"line {line.arm}"
        for part in _unbroken(line.points, self._plot.step):
            if len(part) == 1:
                self._add("circle", kind, cx=self._x(part[0][0]), cy=self._y(part[0][1]), r=2)
            else:
                self._add("polyline", kind, points=self._joined(part))

    def _joined(self, part: Sequence[tuple[float, float]]) -> str:
        """Every point: the same as `_x` and `_y`, without a call for each."""
        start, end, across = self._plot.start, self._plot.end, self._per_second
        low, up, bottom = self._low, self._per_unit, self._bottom
        return " ".join(
            [
                f"{LEFT + ((min(end, at)) - start) * across:.1f},{bottom - (value - low) * up:.1f}"
                if at > start
                else f"{LEFT:.1f},{bottom - (value - low) * up:.1f}"
                for at, value in part
            ]
        )

    def _limit(self, limit: LimitLine) -> None:
        y, left, right = self._y(limit.figure), self._x(limit.start), self._x(limit.end)
        self._add("line", "limit", x1=left, x2=right, y1=y, y2=y)
        if limit.text:
            self._name(limit.text, right - 2, y - 4)

    def _name(self, text: str, x: float, y: float) -> None:
        """What a limit is called, left of names that stand there already; the same name stands once."""
        for other, right, height in self._named:
            if abs(height - y) < LETTERS and right - WIDE * len(other) < x <= right:
                if other == text:
                    return
                x = right - WIDE * len(other) - WIDE
        self._named.append((text, x, y))
        self._label(x, y, text, "end", "limit")

    def _mark(self, mark: Mark) -> None:
        x = self._x(mark.at)
        self._parts.append(f"<g>{_with_text('title', {}, f'{_clock(mark.at)}: {mark.text}')}")
        self._add("line", "mark", x1=x, x2=x, y1=TOP, y2=self._bottom)
        self._add("path", "mark", d=f"M{x - 4} {TOP}h8l-4 6z")
        self._parts.append("</g>")

    def _legend(self) -> None:
        x = LEFT
        for line in self._plot.lines:
            kind = "line" if line.arm == "canary" else f"line {line.arm}"
            self._add("line", kind, x1=x, x2=x + 18, y1=10, y2=10)
            self._label(x + 22, 14, line.name, "start")
            x += 40 + 7 * len(line.name)

    def _add(self, tag: str, kind: str, **places: float | str) -> None:
        self._parts.append(_tag(tag, {"class": kind, **places}, "/>"))

    def _label(self, x: float, y: float, text: str, anchor: str, kind: str = "") -> None:
        attributes = {"class": kind} if kind else {}
        self._parts.append(_with_text("text", {**attributes, "x": x, "y": y, "text-anchor": anchor}, text))


def _unbroken(points: Sequence[tuple[float, float]], step: float) -> Iterator[list[tuple[float, float]]]:
    """The parts of a line in which no sample is missing."""
    part: list[tuple[float, float]] = []
    for at, value in points:
        if part and (not math.isfinite(value) or at - part[-1][0] > GAP * step):
            yield part
            part = []
        if math.isfinite(value):
            part.append((at, value))
    if part:
        yield part


def _line_words(line: Curve, unit: str) -> str:
    known = [(at, value) for at, value in line.points if math.isfinite(value)]
    if not known:
        return f"{line.name}: no samples"
    top_at, top = max(known, key=lambda point: point[1])
    last = figure(str(known[-1][1]), unit)
    return f"{line.name}: {last} at the end, at most {figure(str(top), unit)} at {_clock(top_at)}"


def _limit_words(limits: Sequence[LimitLine], unit: str) -> Iterator[str]:
    """`critical, 5 %`; one that moves from where to where it did."""
    moved: list[float] = []
    for limit in limits:
        moved.append(limit.figure)
        if limit.text:
            low, high = (figure(str(end), unit) for end in (min(moved), max(moved)))
            yield f"{limit.text}, {low}" if low == high else f"{limit.text}, from {low} to {high}"
            moved = []


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M:%S")
