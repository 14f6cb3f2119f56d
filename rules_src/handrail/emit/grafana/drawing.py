"""Lines, states and figures → Grafana panels, by the foundation SDK: only how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from string import ascii_uppercase
from typing import Protocol

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    gauge,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from handrail.units import Unit

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
UNITS = {
    Unit.number: "short",
    Unit.ratio: "percentunit",
    Unit.seconds: "s",
    Unit.bytes: "decbytes",
    Unit.per_second: "cps",
}


class Look(Enum):
    """What a line shows, which decides how it looks: (colour, dashes, on the right axis)."""

    value = (None, None, False)
    other_arm = ("#8ab8ff", [2, 4], False)
    success = ("green", [12, 6], False)
    warning = ("#f2cc0c", [10, 5], False)
    critical = ("#ff780a", [10, 5], False)
    emergency = ("#c4162a", [10, 5], False)
    events = ("#9e9e9e", None, True)
    fewest = ("#9e9e9e", [4, 4], True)


Steps = tuple[tuple[Decimal | None, str], ...]
"""From which figure on which colour; the first from the least on."""


@dataclass(frozen=True)
class Line:
    """One query of a panel with its legend; a unit if it is not the panel's, and the colours of a figure."""

    expr: str
    legend: str
    look: Look = Look.value
    unit: Unit | None = None
    steps: Steps = ()


@dataclass(frozen=True)
class PanelFrame:
    """What every panel has: title, description, links, size."""

    title: str
    text: str = ""
    links: tuple[tuple[str, str], ...] = ()
    width: int = 12
    height: int = 8


class PanelBuilder(Protocol):
    """What the SDK's builders of all panels have in common."""

    def title(self, title: str) -> object: ...
    def description(self, description: str) -> object: ...
    def links(self, links: list[Builder[DashboardLink]]) -> object: ...
    def span(self, w: int) -> object: ...
    def height(self, h: int) -> object: ...
    def datasource(self, datasource: DataSourceRef) -> object: ...
    def build(self) -> Panel: ...


@dataclass(frozen=True)
class Link(Builder[DashboardLink]):
    """A link that opens beside the dashboard."""

    title: str
    url: str

    def build(self) -> DashboardLink:
        """The SDK's link."""
        return DashboardLink(
            title=self.title, type_val=DashboardLinkType.LINK, url=self.url, target_blank=True, tags=[]
        )


def curves(frame: PanelFrame, unit: Unit, lines: Sequence[Line], *, stacked: bool = False) -> Panel:
    """Lines over time."""
    panel = timeseries.Panel().unit(UNITS[unit]).line_width(2 if not stacked else 0).show_points(NEVER)
    panel = panel.legend(common.VizLegendOptions().display_mode(LIST).placement(BOTTOM).show_legend(True))
    panel = panel.tooltip(common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(words.StackingMode.NORMAL)).fill_opacity(60)
    if unit is Unit.ratio:
        panel = panel.axis_soft_min(0)
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place))
        if changes := _override(line):
            panel = panel.override_by_query(ref(place), changes)
    return _framed(panel, frame)


def states(frame: PanelFrame, lines: Sequence[Line]) -> Panel:
    """A band for each series, filled while it is 1."""
    panel = statetimeline.Panel().show_value(NEVER).row_height(0.8).fill_opacity(80).merge_values(True)
    panel = panel.mappings([_named({"0": ("", "transparent"), "1": ("yes", "blue")})])
    panel = panel.legend(common.VizLegendOptions().display_mode(LIST).placement(BOTTOM).show_legend(False))
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place))
    return _framed(panel, frame)


def figure(
    frame: PanelFrame,
    unit: str,
    lines: Sequence[Line],
    *,
    nothing: str = "",
    names: bool = False,
    **said: str,
) -> Panel:
    """The current value, large; `nothing` is shown if there is none, `said` replaces values: `v1="rules evaluated"`."""
    panel = stat.Panel().unit(unit).graph_mode(words.BigValueGraphMode.NONE)
    coloured = any(line.steps for line in lines)
    panel = panel.color_mode(words.BigValueColorMode.VALUE if coloured else words.BigValueColorMode.NONE)
    panel = panel.reduce_options(LAST)
    panel = panel.text_mode(words.BigValueTextMode.NAME if names else words.BigValueTextMode.AUTO)
    if nothing:
        panel = panel.no_value(nothing)
    if said:
        panel = panel.mappings([_named({name[1:]: (text, "text") for name, text in said.items()})])
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place, instant=True))
        if changes := _override(line):
            panel = panel.override_by_query(ref(place), changes)
    return _framed(panel, frame)


def dials(frame: PanelFrame, unit: Unit, lines: Sequence[Line]) -> Panel:
    """A gauge for each series: the current value, from 0 up; a share up to 100 %."""
    panel = gauge.Panel().unit(UNITS[unit]).min(0).reduce_options(LAST)
    if unit is Unit.ratio:
        panel = panel.max(1)
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place, instant=True))
        if changes := _override(line):
            panel = panel.override_by_query(ref(place), changes)
    return _framed(panel, frame)


def bars(frame: PanelFrame, unit: Unit, lines: Sequence[Line]) -> Panel:
    """The current values, as bars side by side."""
    panel = bargauge.Panel().unit(UNITS[unit]).min(0).reduce_options(LAST)
    panel = panel.display_mode(words.BarGaugeDisplayMode.BASIC).orientation(words.VizOrientation.VERTICAL)
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place, instant=True))
        if changes := _override(line):
            panel = panel.override_by_query(ref(place), changes)
    return _framed(panel, frame)


def buckets(frame: PanelFrame, expr: str, *, milliseconds: bool) -> Panel:
    """A heatmap: how many observations are in each bucket."""
    colours = (
        heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").exponent(0.5).steps(64)
    )
    panel = heatmap.Panel().calculate(False).color(colours)
    panel = panel.y_axis(heatmap.YAxisConfig().unit("ms" if milliseconds else UNITS[Unit.seconds]))
    return _framed(panel.with_target(query(Line(expr, "{{le}}"), 0).format(PromQueryFormat.HEATMAP)), frame)


def markdown(frame: PanelFrame, content: str) -> Panel:
    """A text panel."""
    panel = text.Panel().mode(TextMode.MARKDOWN).content(content)
    return _framed(panel, frame)


def rows(
    frame: PanelFrame, unit: Unit, lines: Sequence[Line], *, nothing: str = "", values: bool = True
) -> Panel:
    """A table of current values: a row for each series, and with `values` a column for each line."""
    panel = table.Panel().unit(UNITS[unit]).no_value(nothing or "nothing").show_header(True)
    columns = {}
    for place, line in enumerate(lines):
        panel = panel.with_target(query(line, place, instant=True).format(PromQueryFormat.TABLE))
        columns["Value" if len(lines) == 1 else f"Value #{ref(place)}"] = line.legend
        if line.unit is not None:
            panel = panel.override_by_name(line.legend, _override(line))
    if len(lines) > 1:
        panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    # When it was asked is the same in every row, and so is the value of what is only there.
    left_out = {"Time": True} | ({} if values else dict.fromkeys(columns, True))
    options = {"excludeByName": left_out, "renameByName": columns if values else {}, "indexByName": {}}
    return _framed(
        panel.with_transformation(DataTransformerConfig(id_val="organize", options=options)), frame
    )


def query(line: Line, place: int, *, instant: bool = False) -> prometheus.Dataquery:
    """One Prometheus query."""
    built = prometheus.Dataquery().expr(line.expr).legend_format(line.legend or "__auto").ref_id(ref(place))
    return built.instant() if instant else built.range()


def ref(place: int) -> str:
    """A, B, …, Z, AA, AB, …: the name of a query in its panel."""
    rest, last = divmod(place, len(ascii_uppercase))
    return (ref(rest - 1) if rest else "") + ascii_uppercase[last]


LAST = common.ReduceDataOptions().calcs(["lastNotNull"])
NEVER = words.VisibilityMode.NEVER
LIST = words.LegendDisplayMode.LIST
BOTTOM = words.LegendPlacement.BOTTOM


def _framed(panel: PanelBuilder, frame: PanelFrame) -> Panel:
    panel.title(frame.title)
    panel.datasource(SOURCE)
    panel.span(frame.width)
    panel.height(frame.height)
    if frame.text:
        panel.description(frame.text)
    if frame.links:
        panel.links([Link(title, url) for title, url in frame.links])
    return panel.build()


def _override(line: Line) -> list[DynamicConfigValue]:
    style: tuple[str | None, list[int] | None, bool] = line.look.value
    colour, dashes, right = style
    overrides: list[tuple[str, object]] = []
    if colour:
        overrides.append(("color", {"mode": "fixed", "fixedColor": colour}))
        overrides.append(("custom.lineWidth", 1))
    if dashes:
        overrides.append(("custom.lineStyle", {"fill": "dash", "dash": dashes}))
    if right:
        overrides.append(("custom.axisPlacement", "right"))
    if line.unit is not None:
        overrides.append(("unit", UNITS[line.unit]))
    if line.steps:
        steps = [
            {"color": colour, "value": None if figure is None else float(figure)}
            for figure, colour in line.steps
        ]
        overrides.append(("thresholds", {"mode": "absolute", "steps": steps}))
        overrides.append(("color", {"mode": "thresholds"}))
    return [DynamicConfigValue(id_val=name, value=value) for name, value in overrides]


def _named(texts: dict[str, tuple[str, str]]) -> ValueMapping:
    options = {
        value: ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(texts.items())
    }
    return ValueMap(options)
