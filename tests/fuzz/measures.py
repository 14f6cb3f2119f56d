"""Measures of events and gauges → drawn with limits in their units; `series_measures.py` draws those of single series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handrail import declare as d
from hypothesis import strategies as st

from .drawn import BY, WINDOWS, Kind, drawn_series
from .series_measures import CONDITIONS, SERIES_MEASURES

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@st.composite
def ratios(draw: st.DrawFn) -> Kind:
    good = draw(st.booleans())
    metric = draw(st.sampled_from(["requests_total", "calls_total"]))
    of: Any = draw(drawn_series(metric))
    inside = of[:-1] + "," if of.endswith("}") else of + "{"
    part = inside + ('code=~"2.."}' if good else 'code=~"[45].."}')
    if draw(st.integers(0, 4)) == 0:
        part = draw(drawn_series("hits_total" if good else "failures_total"))
    parts: Any = part
    if draw(st.integers(0, 4)) == 0:
        parts = [part, draw(drawn_series("more_hits_total" if good else "more_failures_total"))]
        of = [of, "more_total"]
    share = draw(st.sampled_from([0.1, 0.5, 1, 2, 7.5, 10]))
    more: dict[str, Any] = {
        "window": draw(st.sampled_from(WINDOWS)),
        "min_events": draw(st.sampled_from([1, 2, 20, 100, 333])),
        "min_bad": draw(st.sampled_from([10, 10, 10, 1, 3])),
        "by": draw(st.sampled_from(BY)),
    }
    if good:
        more["beside"] = draw(st.booleans())
        return Kind(d.Ratio(of, good=parts, **more), 100 - share, "%", up=False, most=100)
    return Kind(d.Ratio(of, bad=parts, **more), share, "%", up=True, most=99)


@st.composite
def latencies(draw: st.DrawFn) -> Kind:
    unit: Any = draw(st.sampled_from(["s", "ms"]))
    buckets = draw(st.sampled_from([(), BUCKETS]))
    scaled = tuple(b * 1000 for b in buckets) if unit == "ms" else buckets
    measure = d.Latency(
        draw(drawn_series("request_milliseconds" if unit == "ms" else "request_seconds")),
        p=draw(st.sampled_from([50, 90, 95, 99, 99.9])),
        window=draw(st.sampled_from(WINDOWS)),
        unit=unit,
        buckets=scaled,
        min_events=draw(st.sampled_from([1, 20, 100])),
        native=draw(st.integers(0, 9)) == 0,
        by=draw(st.sampled_from(BY)),
    )
    return Kind(measure, draw(st.sampled_from([100, 200, 300, 450, 500])), "ms", up=True, most=4500)


@st.composite
def slow(draw: st.DrawFn) -> Kind:
    bound = draw(st.sampled_from([("100ms", 0.1), ("1s", 1), ("2.5s", 2.5)]))
    measure = d.SlowerThan(
        draw(drawn_series("request_seconds")),
        bound[0],
        window=draw(st.sampled_from(WINDOWS)),
        buckets=draw(st.sampled_from([(bound[1],), BUCKETS])),
        min_events=draw(st.sampled_from([1, 20, 100])),
        native=draw(st.integers(0, 9)) == 0,
        by=draw(st.sampled_from(BY)),
    )
    return Kind(measure, draw(st.sampled_from([0.5, 1, 5, 20])), "%", up=True, most=99)


@st.composite
def increases(draw: st.DrawFn) -> Kind:
    window = draw(st.sampled_from(WINDOWS))
    by = draw(st.sampled_from(BY))
    if draw(st.booleans()):
        bounded = d.Increase(
            draw(drawn_series("request_seconds")), window=window, slower_than="1s", buckets=[1], by=by
        )
        return Kind(bounded, draw(st.sampled_from([0, 1, 3])), "", up=True)
    return Kind(
        d.Increase(draw(drawn_series("denied_total")), window=window, by=by),
        draw(st.sampled_from([0, 1, 3, 20])),
        "",
        up=True,
    )


@st.composite
def rates(draw: st.DrawFn) -> Kind:
    measure = d.Rate(
        draw(drawn_series(draw(st.sampled_from(["requests_total", "jobs_total"])))),
        window=draw(st.sampled_from(WINDOWS)),
        by=draw(st.sampled_from(BY)),
    )
    unit = draw(st.sampled_from(["/s", "/min"]))
    return Kind(measure, draw(st.sampled_from([0.5, 3, 100, 1700])), unit, up=draw(st.booleans()))


@st.composite
def gauges(draw: st.DrawFn) -> Kind:
    unit: Any = draw(
        st.sampled_from(
            [
                ("number", ""),
                ("ratio", "%"),
                ("percent", "%"),
                ("seconds", "s"),
                ("milliseconds", "ms"),
                ("bytes", "MB"),
            ]
        )
    )
    up = draw(st.booleans())
    measure = d.Gauge(
        draw(drawn_series("queue_depth")),
        over=draw(st.sampled_from(["max", "min", "sum", "avg"])),
        window=draw(st.sampled_from([None, None, *WINDOWS])),
        by=draw(st.sampled_from([(), ("queue",)])),
        unit=unit[0],
    )
    return Kind(measure, draw(st.sampled_from([1, 20, 33.3])), unit[1], up=up)


@st.composite
def usages(draw: st.DrawFn) -> Kind:
    used: Any = draw(drawn_series("pool_in_use"))
    size: Any = draw(st.sampled_from([50, 7.5, "pool_size", ["pool_size", "more_places"]]))
    measure = d.Usage(
        draw(st.sampled_from([used, [used, "more_in_use"]])),
        size,
        over=draw(st.sampled_from(["sum", "max"])),
        by=draw(st.sampled_from([(), ("pool",), ("zone", "path")])),
        left=draw(st.integers(0, 3)) == 0,
        unlimited=draw(st.sampled_from([(), (), (), (0,), (-1,), (0, -1)])),
    )
    return Kind(measure, draw(st.sampled_from([20, 22.5])), "%", up=True, most=99)


@st.composite
def growths(draw: st.DrawFn) -> Kind:
    measure = d.Growth(
        draw(drawn_series("queue_depth")),
        window=draw(st.sampled_from(["15m", "1h"])),
        by=draw(st.sampled_from([(), ("queue",)])),
    )
    return Kind(measure, draw(st.sampled_from([10, 1000])), "", up=True)


@st.composite
def whiles(draw: st.DrawFn) -> Kind:
    inner = draw(
        st.one_of(
            ratios(),
            latencies(),
            slow(),
            rates(),
            gauges(),
            usages(),
            increases(),
            growths(),
            SERIES_MEASURES,
        )
    )
    if draw(st.integers(0, 2)) == 0:
        held, bound = draw(st.sampled_from(CONDITIONS))
        held = replace(held, by=draw(st.sampled_from([(), (), inner.measure.by, ("path",)])))
        bounded = d.While(inner.measure, condition=held, **bound)
        return Kind(bounded, inner.figure, inner.unit, inner.up, inner.most)
    conditions: list[Any] = [
        d.Rate(draw(drawn_series("work_total"))),
        d.Rate("work_total", window="2m"),
        d.Gauge("workers"),
        d.Usage("places_in_use", "places"),
        d.Growth("done", window="15m"),
    ]
    condition = replace(
        draw(st.sampled_from(conditions)), by=draw(st.sampled_from([(), (), inner.measure.by, ("path",)]))
    )
    bound = draw(st.sampled_from([{}, {"above": 2}, {"at_most": 0}, {"at_most": 3}]))
    unit = "/s" if isinstance(condition, d.Rate) else "%" if isinstance(condition, d.Usage) else ""
    bound = {key: f"{value}{unit}" if value else 0 for key, value in bound.items()}
    return Kind(
        d.While(inner.measure, condition=condition, **bound), inner.figure, inner.unit, inner.up, inner.most
    )


NUMBERED = st.one_of(
    ratios(),
    ratios(),
    latencies(),
    slow(),
    increases(),
    rates(),
    gauges(),
    usages(),
    growths(),
    whiles(),
    SERIES_MEASURES,
    SERIES_MEASURES,
)
