"""Figures, durations and counts of a report → words; what is not known stays unknown, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from handrail.contract import FigureFacts

from handrail_receiver.reports.measuring import Measured
from handrail_receiver.reports.reported import Field
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import span, when

TWO_MINUTES = 120
NOT_MEASURED = "not measured by any declared source"


def measured_field(
    name: str, facts: Mapping[str, FigureFacts], figures: Mapping[str, Measured], *, missing: str = ""
) -> Field:
    """A figure as a field; `missing` is why it is not there where nothing measures it."""
    if name not in facts:
        return Field(name, unknown=missing or f"{NOT_MEASURED}; declare it in Report(figures={{…}})")
    measured = figures[name]
    if measured.value is None:
        return Field(name, unknown=measured.why)
    return Field(name, value_text(measured.value, facts[name].unit), note=_note(facts[name], measured))


def cell(name: str, facts: Mapping[str, FigureFacts], figures: Mapping[str, Measured]) -> str:
    """The same in a table, without the reason."""
    if name not in facts or figures[name].value is None:
        return "unknown"
    text = value_text(figures[name].value or 0.0, facts[name].unit)
    return f"{text} (of {percent(figures[name].part)} of the time)" if figures[name].partial else text


def value_text(value: float, unit: str) -> str:
    """A value in its unit."""
    if unit == "per second":
        return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
    if unit == "ratio":  # of an uptime the digits count that come after the nines
        return f"{value * 100:.5g} %"
    if unit == "seconds" and value >= TWO_MINUTES:
        return f"{value / 60:.3g} minutes"
    return figure(f"{value!r}", unit)


def _note(facts: FigureFacts, measured: Measured) -> str:
    parts = [] if facts.source == "declared" else [facts.source]
    return "; ".join(filter(None, (*parts, made_of(measured))))


def made_of(*measured: Measured) -> str:
    """Of which part of the time figures are made, the one that has least of it; empty where that is all of it."""
    least = min(measured, key=lambda one: one.part)
    if not least.partial:
        return ""
    since = f", data begin {when(least.since)}" if least.since else ""
    return f"of {percent(least.part)} of the time only{since}"


def percent(share: float | Fraction) -> str:
    """`0.985` → `98.5 %`."""
    return f"{float(share) * 100:.3g} %"


def minutes(time: timedelta | None) -> str:
    """`12.4 minutes`; empty for none."""
    return "" if time is None else f"{time.total_seconds() / 60:.3g} minutes"


def hours(time: timedelta | None) -> str:
    """`84.2 hours`; empty for none."""
    return "" if time is None else f"{time.total_seconds() / 3600:.3g} hours"


def lasted(time: timedelta | None) -> str:
    """How long something took."""
    return "not over" if time is None else span(time)


def local(at: datetime, zone: str) -> str:
    """`2026-11-27 09:00 CET`: an instant by the clocks of a zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def local_and_utc(at: datetime, zone: str) -> str:
    """`2026-11-27 09:00 CET (08:00 UTC)`: the same, and by UTC where that is another; with its day where that is."""
    here, there = at.astimezone(ZoneInfo(zone)), at.astimezone(UTC)
    if here.utcoffset() == there.utcoffset():
        return local(at, zone)
    day = "" if here.date() == there.date() else f"{there:%Y-%m-%d} "
    return f"{local(at, zone)} ({day}{there:%H:%M} UTC)"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 release`, `2 releases`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
