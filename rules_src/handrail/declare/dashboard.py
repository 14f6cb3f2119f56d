"""Further dashboards and panels. Every guardrail and SLO has a panel without being declared here.

A panel's curves are measures, the same as a guardrail's, so that a share means the same here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.declare.field_types import AnyMeasure, Labels, Series
from handrail.declare.guardrail import Name
from handrail.declare.limits import Above, AtLeast, AtMost, Below
from handrail.declare.measures import Measure
from handrail.units import Duration, Period, amount


@declared
class Distribution(AnyMeasure):
    """How many observations fall into each bucket of a histogram over time, which a quantile cannot show.

    It is drawn as a heatmap. `unit` is the unit that the histogram is exported in; `native=True` reads a native one.
    """

    histogram: Series
    window: Period = Field(default="5m", kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    native: bool = Field(default=False, kw_only=True)


Drawable = Measure | Distribution
Bound = Above | AtLeast | Below | AtMost
Bounds = Bound | Annotated[Mapping[str, Bound], Field(min_length=1)]
Show = Literal["curves", "states", "figure", "gauge", "bars", "table"]


@declared
class Panel:
    """Measures drawn together: one, or several by name: `{"p50": Latency("ttfv_ms", p=50), "p95": …}`.

    Each value of the labels in `by` gets a curve, and so does each arm if the rollout has arms; with
    `whole_service=True` the arms are drawn as one. `show` is the form: `curves` or `states` over time, or the newest
    value as a `figure`, a `gauge`, `bars` side by side or a `table`. A Distribution is a heatmap, of the canary alone
    where there are arms.

    `target` is the goal and `limit` is what is too much: `target=Below("80%"), limit=Above("85%")`. They are lines over
    curves, and the colours of figures, gauges and bars. If the curves of a panel have different ones, give them by the
    curves' names: `target={"p50": Below("500ms"), "p95": Below("1500ms")}`. `limits_of` names a guardrail whose limits
    are drawn as lines, each in force in its stage.
    """

    title: str
    curves: Drawable | Annotated[Mapping[str, Measure], Field(min_length=1)]
    by: Labels = Field(default=(), kw_only=True)
    show: Show = Field(default="curves", kw_only=True)
    target: Bounds | None = Field(default=None, kw_only=True)
    limit: Bounds | None = Field(default=None, kw_only=True)
    limits_of: Name | None = Field(default=None, kw_only=True)
    whole_service: bool = Field(default=False, kw_only=True)
    note: str | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _one_figure_each(self) -> Panel:
        written = [bound for said in (self.target, self.limit) for _, bound in bounds_of(said)]
        if any(isinstance(one.at, Mapping) or one.otherwise is not None for one in written):
            raise ValueError(
                "target= and limit= of a panel are one figure each; what differs by stage is a guardrail's: write limits_of="
            )
        if isinstance(self.curves, Distribution) and (self.by or written or self.limits_of):
            raise ValueError("a Distribution is a heatmap, which has no place for by=, lines and limits")
        known = set(self.curves) if isinstance(self.curves, Mapping) else set[str]()
        if (
            unknown := {name for said in (self.target, self.limit) for name, _ in bounds_of(said)}
            - known
            - {""}
        ):
            raise ValueError(
                f"there is no curve {min(unknown)!r}; name a target or limit as its curve is named"
            )
        if self.show in {"states", "table"} and written:
            raise ValueError(f"{self.show} have no place for target= and limit=")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Panel:
        limits = dict(bounds_of(self.limit))
        for name, target in bounds_of(self.target):
            if (limit := limits.get(name)) is not None:
                _in_order(target, limit, colours=self.show != "curves")
        return self


@declared
class Text:
    """A text beside the panels, in Markdown: where the logs are, who knows more. `Text("Logs", "[Newest](https://…)")`."""

    title: str
    text: str


@declared
class Row:
    """Panels under their own heading, like "The machine" or "The business"."""

    title: str
    panels: Annotated[Sequence[Panel | Text], Field(min_length=1)]


@declared
class Dashboard:
    """A page of panels, followed by rows of panels. The panels of one called `main` go onto the rollout's own page.

    `last` is the time range that it shows, `refresh` how often it is updated.
    """

    name: Name
    title: str | None = None
    panels: Sequence[Panel | Text | Row] = Field(default=(), kw_only=True)
    refresh: Duration = Field(default="30s", kw_only=True)
    last: Duration = Field(default="6h", kw_only=True)

    @model_validator(mode="after")
    def _rows_last(self) -> Dashboard:
        kinds = [isinstance(part, Row) for part in self.panels]
        if kinds != sorted(kinds):
            raise ValueError(
                "a panel after a Row would stand below its heading; write it before, or into a Row"
            )
        return self


def _in_order(target: Bound, limit: Bound, *, colours: bool) -> None:
    """Refuse a target beyond the limit, and one on the limit's own side where both together choose a colour."""
    if isinstance(target.at, Mapping) or isinstance(limit.at, Mapping):
        return
    aimed, most = amount(target.at), amount(limit.at)
    if target.is_upper is limit.is_upper:
        if colours:
            raise ValueError(
                f"target={target.at} and limit={limit.at} are passed on the same side; write one with Below and one with Above"
            )
    elif (
        aimed.unit is most.unit and (aimed.value > most.value) is limit.is_upper and aimed.value != most.value
    ):
        raise ValueError(
            f"target={target.at} lies beyond limit={limit.at}; the target must lie on the good side of the limit"
        )


def bounds_of(said: Bounds | None) -> tuple[tuple[str, Bound], ...]:
    """The targets or limits of a panel with their names; one alone has none."""
    if said is None:
        return ()
    return tuple(said.items()) if isinstance(said, Mapping) else (("", said),)


def drawn(page: Dashboard) -> Iterator[Panel]:
    """Every panel of a page that draws something, those of its rows included."""
    for part in page.panels:
        inside = part.panels if isinstance(part, Row) else (part,)
        yield from (panel for panel in inside if isinstance(panel, Panel))
