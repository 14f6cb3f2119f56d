"""The vocabulary of handrail.declare → rollouts, most of which lint accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handrail import declare as d
from hypothesis import strategies as st
from pydantic import ValidationError

from .drawn import BY, WINDOWS, Kind, drawn_series
from .series_measures import CONDITIONS, SERIES_MEASURES

RUNBOOK = d.Runbook("People wait.", look=["at the log"], fix=["roll back"])
UNDO = d.Command(["undo"], read=["is-undone"])
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
ARMS = (d.Arms("track", canary="canary", stable="stable"), d.Arms("version"))
STAGES: tuple[tuple[d.Stage, ...], ...] = (
    (),
    (d.Stage("on", bake="24h"), d.Stage("done")),
    (d.Stage("10%", weight="10%", bake="24h"), d.Stage("100%", weight="100%")),
    (
        d.Stage("0%", weight="0%", bake="24h"),
        d.Stage("10%", weight="10%", bake="12h"),
        d.Stage("50%", weight="50%", bake="12h"),
        d.Stage("100%", weight="100%"),
    ),
)
SUSTAINED = ("0s", "0s", "30s", "45s", "1m", "2m", "5m", "10m")
SCRAPES = ("5s", "7s", "10s", "15s", "15s", "20s", "30s", "1m")
EVALUATIONS = ("10s", "15s", "30s", "50s", "1m", "1m", "1m", "2m", "2m", "2m")
"""Those that are cheap to play are drawn more often."""
TIERS = (d.Warning, d.Critical, d.Emergency)


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
REFERENCES = (
    d.BeforeRollout(),
    d.BeforeRollout(over="24h"),
    d.StableArm(),
    d.PreviousStage(),
    d.Ago("1h"),
    d.Ago("7d"),
    d.Fixed("20%"),
)


@st.composite
def limits(draw: st.DrawFn, kind: Kind, number: int, stages: tuple[d.Stage, ...], *, relative: bool) -> Any:
    """A limit of the tier of that number: each is further off than the one before."""
    if relative:
        points = draw(st.booleans()) and kind.unit == "%"
        share = f"{10 * (number + 1)}%"
        by = {stage.name: share for stage in stages} if stages and draw(st.integers(0, 3)) == 0 else share
        if not kind.up and not points:
            return d.Drop(by, least=draw(st.sampled_from([None, None, kind.at(0.5)])))
        return {
            (True, True): d.RisePoints,
            (True, False): d.Rise,
            (False, True): d.DropPoints,
        }[kind.up, points](by)
    figure = kind.at(2.0**number)
    strict = draw(st.booleans()) or kind.figure == 0
    make = {
        (True, True): d.Above,
        (True, False): d.AtLeast,
        (False, True): d.Below,
        (False, False): d.AtMost,
    }[kind.up, strict]
    if not stages or draw(st.integers(0, 2)):
        return make(figure)
    named: dict[str, Any] = {}
    for stage in stages:
        choice = draw(st.integers(0, 3))
        if choice:
            named[stage.name] = kind.at(2.0**number * (1 + choice / 20)) if choice < 3 else None
    if not any(value is not None for value in named.values()):
        return make(figure)
    return make(named, otherwise=draw(st.sampled_from([None, figure])))


@st.composite
def guardrails(draw: st.DrawFn, name: str, stages: tuple[d.Stage, ...], *, arms: bool) -> d.Guardrail:
    more: dict[str, Any] = {
        "runbook": RUNBOOK,
        "blind_after": draw(st.sampled_from(["5m", "5m", "1m", "0s"])),
    }
    choice = draw(st.integers(0, 11))
    if choice == 0:
        state = [
            d.Critical(d.Is("open"), sustained=draw(st.sampled_from(SUSTAINED))),
            d.Warning(d.Changed(draw(st.sampled_from(["5m", "2m"])))),
        ]
        measure: Any = d.State(draw(drawn_series("breaker")))
        tiers: Any = state[: draw(st.integers(1, 2))][::-1]
    elif choice == 1:
        measure = d.Absence(draw(drawn_series("beat")), window=draw(st.sampled_from(["2m", "5m", "10m"])))
        tiers = [d.Critical(d.Above(0), sustained=draw(st.sampled_from(SUSTAINED)))]
    elif choice == 2:
        measure = d.PromQL(
            draw(st.sampled_from(["sum(jobs)", "max(jobs) - min(jobs)", "avg_over_time(jobs[5m])"]))
        )
        tiers = [d.Warning(d.Above(3))]
    else:
        kind = draw(NUMBERED)
        measure = kind.measure
        against = draw(st.sampled_from(REFERENCES)) if draw(st.integers(0, 3)) == 0 else None
        count = draw(st.integers(1, 3))
        tiers = []
        for number in range(count):
            limit = draw(limits(kind, number, stages, relative=against is not None))
            tiers.append(draw(_tier(TIERS[number], limit, kind, stages)))
        if against is not None:
            more["against"] = against
        if draw(st.booleans()):
            more["success"] = draw(
                limits(Kind(measure, kind.figure, kind.unit, not kind.up, kind.most), 0, (), relative=False)
            )
        more["order"] = draw(st.sampled_from(["strict", "tighten"]))
    if arms and draw(st.integers(0, 2)) == 0:
        more["whole_service"] = True
    if draw(st.integers(0, 9)) == 0:
        more["mode"] = "shadow"
    return d.Guardrail(name, measure, tiers=tiers, **more)


@st.composite
def _tier(draw: st.DrawFn, make: Any, limit: Any, kind: Kind, stages: tuple[d.Stage, ...]) -> Any:
    more: dict[str, Any] = {"sustained": draw(st.sampled_from(SUSTAINED))}
    if draw(st.integers(0, 3)) == 0:
        more["keep_firing_for"] = draw(st.sampled_from(["0s", "5m", "20m"]))
    if draw(st.integers(0, 2)) == 0:
        more["action"] = draw(st.sampled_from(["hold", "rollback", "emergency-rollback"]))
    if draw(st.integers(0, 4)) == 0:
        other = draw(NUMBERED)
        more["or_"] = [d.On("beside", other.measure, draw(limits(other, 0, stages, relative=False)))]
    if stages and draw(st.integers(0, 6)) == 0:
        more["during"] = draw(st.sampled_from(["1h", "4h"]))
    if draw(st.integers(0, 5)) == 0:
        more["note"] = 'Look at {{ $value }} and "it".'
    return make(limit, **more)


@st.composite
def slices(draw: st.DrawFn) -> d.TimeSlices:
    kind = draw(st.one_of(ratios(), slow(), gauges()))
    good: Any = draw(st.sampled_from([d.AtMost, d.Below] if kind.up else [d.AtLeast, d.Above]))
    windows = [None, "1m", "5m"] if isinstance(kind.measure, d.Gauge) else ["1m", "5m"]
    measure: Any = kind.measure
    return d.TimeSlices(
        replace(measure, by=(), window=draw(st.sampled_from(windows))), good=good(kind.at(1.0))
    )


@st.composite
def slos(draw: st.DrawFn) -> d.Slo:
    measure: Any = draw(st.one_of(ratios(), slow())).measure
    return d.Slo(
        "good",
        replace(measure, by=()) if draw(st.integers(0, 3)) else draw(slices()),
        objective=draw(st.sampled_from(["99%", "99.9%", "99.95%", "97%"])),
        window=draw(st.sampled_from(["7d", "30d", "90d", "month"])),
        runbook=RUNBOOK,
    )


@st.composite
def rollouts(draw: st.DrawFn) -> tuple[d.Rollout, d.Environment] | None:
    """A rollout and where it runs; None where the words themselves refuse it."""
    try:
        return _rollout(draw)
    except ValidationError:
        return None


def _rollout(draw: st.DrawFn) -> tuple[d.Rollout, d.Environment]:
    stages = draw(st.sampled_from(STAGES))
    arms = bool(stages) and draw(st.integers(0, 2)) == 0
    count = draw(st.sampled_from([1] * 14 + [2, 2, 3]))
    names = [f"guard-{number}" for number in range(count)]
    more: dict[str, Any] = {}
    if draw(st.integers(0, 9)) == 0:
        more["slos"] = [draw(slos())]
    if draw(st.integers(0, 9)) == 0:
        more["escalation"] = [
            d.Level("boss", draw(st.sampled_from(["5m", "20m"])), "the boss"),
            d.Level("owner", "1h", "the owner", severities=draw(st.sampled_from([(), ("critical",)]))),
        ]
        more["routes"] = {"boss": [], "owner": []}
    if draw(st.integers(0, 3)) == 0:
        more["match"] = {"cluster": "a"}
    if draw(st.integers(0, 5)) == 0 and "escalation" not in more:
        more["severities"] = {"warning": "P3", "critical": "P2", "emergency": "P1"}
    rollout = d.Rollout(
        "shop",
        "shop",
        stages=stages,
        arms=draw(st.sampled_from(ARMS)) if arms else None,
        guardrails=[draw(guardrails(name, stages, arms=arms)) for name in names],
        rollback=[UNDO],
        scrape=draw(st.sampled_from(SCRAPES)),
        evaluate=draw(st.sampled_from(EVALUATIONS)),
        **more,
    )
    environment = d.Environment("here", faster=draw(st.sampled_from([1, 1, 1, 1, 1, 10])))
    return rollout, environment
