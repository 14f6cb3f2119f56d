"""Measures of what single series show → drawn with limits in their units."""

from __future__ import annotations

from typing import Any

from handrail import declare as d
from hypothesis import strategies as st

from .drawn import BY, WINDOWS, Kind, drawn_series

_GAUGES = (("number", ""), ("percent", "%"), ("milliseconds", "ms"), ("bytes", "MB"))


@st.composite
def differences(draw: st.DrawFn) -> Kind:
    unit: Any = draw(st.sampled_from(_GAUGES))
    absolute = draw(st.booleans())
    wanted = draw(drawn_series("replicas_wanted"))
    there = wanted.replace("wanted", "there")
    measure = d.Difference(
        wanted,
        minus=draw(st.sampled_from([there, there, "replicas_there", 'replicas_wanted{state="there"}'])),
        over=draw(st.sampled_from(["sum", "sum", "max", "min", "avg"])),
        by=draw(st.sampled_from(BY)),
        absolute=absolute,
        unit=unit[0],
    )
    return Kind(
        measure, draw(st.sampled_from([0, 1, 20, 33.3])), unit[1], up=absolute or draw(st.integers(0, 2)) > 0
    )


@st.composite
def ages(draw: st.DrawFn) -> Kind:
    unit: Any = draw(st.sampled_from(["s", "s", "ms"]))
    measure = d.Age(
        draw(drawn_series("last_success_ms" if unit == "ms" else "last_success_timestamp_seconds")),
        over=draw(st.sampled_from(["max", "min"])),
        by=draw(st.sampled_from(BY)),
        unit=unit,
        zero=draw(st.sampled_from(["long ago", "no data", "left out"])),
    )
    return Kind(measure, draw(st.sampled_from([90, 600, 93600])), "s", up=draw(st.integers(0, 3)) > 0)


@st.composite
def times_until(draw: st.DrawFn) -> Kind:
    measure = d.TimeUntil(
        draw(drawn_series("expiration_timestamp_seconds")),
        over=draw(st.sampled_from(["max", "min"])),
        by=draw(st.sampled_from(BY)),
        zero=draw(st.sampled_from(["long ago", "no data", "left out"])),
    )
    return Kind(measure, draw(st.sampled_from([600, 93600, 1209600])), "s", up=draw(st.integers(0, 3)) == 0)


@st.composite
def counts(draw: st.DrawFn) -> Kind:
    where = draw(st.sampled_from([None, "== 0", "== 1", "!= 2", "> 0", ">= 1.5", "< 3", "<= 0"]))
    presence = draw(st.sampled_from([None, None, "registry_up", 'up{job="registry"}']))
    windows = [None, "10m", "1h"] if presence is not None and where is None else [None]
    measure = d.Count(
        draw(drawn_series(draw(st.sampled_from(["members", "up"])))),
        where=where,
        distinct=draw(st.sampled_from([None, None, "version"])),
        presence=presence,
        window=draw(st.sampled_from(windows)),
        by=draw(st.sampled_from(BY)),
    )
    return Kind(measure, draw(st.sampled_from([0, 1, 2, 3, 4.5])), "", up=draw(st.booleans()))


@st.composite
def forecasts(draw: st.DrawFn) -> Kind:
    unit: Any = draw(st.sampled_from(_GAUGES))
    measure = d.Forecast(
        draw(drawn_series("space_left")),
        window=draw(st.sampled_from([*WINDOWS, "6h"])),
        ahead=draw(st.sampled_from(["10m", "4h", "24h"])),
        over=draw(st.sampled_from([None, None, "max", "min", "sum", "avg"])),
        by=draw(st.sampled_from(BY)),
        unit=unit[0],
    )
    return Kind(measure, draw(st.sampled_from([0, 1, 20, 33.3])), unit[1], up=draw(st.booleans()))


@st.composite
def changes(draw: st.DrawFn) -> Kind:
    measure = d.Changes(
        draw(drawn_series("started")),
        window=draw(st.sampled_from(WINDOWS)),
        resets=draw(st.booleans()),
        over=draw(st.sampled_from(["max", "max", "min", "sum", "avg"])),
        by=draw(st.sampled_from(BY)),
    )
    return Kind(measure, draw(st.sampled_from([0, 1, 2, 3])), "", up=draw(st.integers(0, 3)) > 0)


SERIES_MEASURES = st.one_of(differences(), ages(), times_until(), counts(), forecasts(), changes())
CONDITIONS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (d.Count("members"), {"above": 2}),
    (d.Count("members", where="> 0"), {"at_most": 2}),
    (d.Changes("moved", window="10m"), {"at_most": 0}),
    (d.Changes("moved", window="10m"), {"above": 3}),
    (d.Age("begun_timestamp_seconds"), {"above": "1h"}),
    (d.TimeUntil("end_timestamp_seconds"), {"at_most": "1h"}),
    (d.Difference("wanted", minus="there"), {"above": 0}),
)
"""What a measure is bound to, with its bound."""
