"""The vocabulary of handrail.declare → rollouts, most of which lint accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handrail import declare as d
from hypothesis import strategies as st
from pydantic import ValidationError

from .drawn import Kind, drawn_series
from .measures import NUMBERED, gauges, ratios, slow

RUNBOOK = d.Runbook("People wait.", look=["at the log"], fix=["roll back"])
UNDO = d.Command(["undo"], read=["is-undone"])
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
    (d.Stage("10%", weight="10%", bake="24h", warm_up="30m"), d.Stage("100%", weight="100%", warm_up="30m")),
)
SUSTAINED = ("0s", "0s", "30s", "45s", "1m", "2m", "5m", "10m")
SCRAPES = ("5s", "7s", "10s", "15s", "15s", "20s", "30s", "1m")
EVALUATIONS = ("10s", "15s", "30s", "50s", "1m", "1m", "1m", "2m", "2m", "2m")
"""Those that are cheap to play are drawn more often."""
TIERS = (d.Warning, d.Critical, d.Emergency)
LOGS = tuple(
    d.LogSource(
        counters=[d.LogCounter(name, ["x"]) for name in ("denied_total", "failures_total", "jobs_total")],
        silent_after=after,
    )
    for after in ("10m", "5m", "1h")
)
EXPRESSIONS = (
    "sum(jobs)",
    "max(jobs) - min(jobs)",
    "avg_over_time(jobs[5m])",
    "sum by (queue) (jobs)",
    "jobs / on (queue) group_left () size",
    "sum(jobs) or vector(0)",
    "scalar(sum(jobs)) * 2",
    'max_over_time(handrail:guardrail:value{guardrail="guard-0"}[5m])',
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
        if not points:
            return d.Rise(by, floor=draw(st.sampled_from([None, None, kind.at(0.5)])))
        return (d.RisePoints if kind.up else d.DropPoints)(by)
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
        measure = d.PromQL(draw(st.sampled_from(EXPRESSIONS)))
        free = Kind(measure, 3, "", up=draw(st.booleans()))
        tiers = [
            draw(_tier(tier, draw(limits(free, number, stages, relative=False)), free, stages))
            for number, tier in enumerate(TIERS[: draw(st.integers(1, 2))])
        ]
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
            asked = draw(
                limits(Kind(measure, kind.figure, kind.unit, not kind.up, kind.most), 0, (), relative=False)
            )
            whole = isinstance(measure, d.Ratio | d.Latency | d.SlowerThan) and not measure.by
            more["success"] = d.OverStage(asked) if whole and draw(st.integers(0, 3)) == 0 else asked
        elif against is not None and draw(st.booleans()):
            more["success"] = d.Not(draw(limits(kind, 0, (), relative=True)))
        elif draw(st.integers(0, 5)) == 0:
            more["optional"] = True
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
        more["of"] = draw(st.sampled_from(["stage", "attempt"]))
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
    names = [
        draw(st.sampled_from([f"guard-{number}", f"other-{number}", "other"])) for number in range(count)
    ]
    more: dict[str, Any] = {}
    if draw(st.integers(0, 9)) == 0:
        more["slos"] = [draw(slos())]
    if draw(st.integers(0, 9)) == 0:
        more["escalation"] = [
            d.Level("boss", draw(st.sampled_from(["5m", "20m"])), "the boss"),
            d.Level("owner", "1h", "the owner", severities=draw(st.sampled_from([(), ("critical",)]))),
        ]
        more["routes"] = {"boss": [], "owner": []}
    if draw(st.integers(0, 5)) == 0:
        more["logs"] = [draw(st.sampled_from(LOGS))]
    if draw(st.integers(0, 3)) == 0:
        more["match"] = {"cluster": "a"}
    if draw(st.integers(0, 5)) == 0 and "escalation" not in more:
        more["severities"] = {"warning": "P3", "critical": "P2", "emergency": "P1"}
    rollout = d.Rollout(
        draw(st.sampled_from(["shop", "shop", "other"])),
        "shop",
        stages=stages,
        arms=draw(st.sampled_from(ARMS)) if arms else None,
        guardrails=[draw(guardrails(name, stages, arms=arms)) for name in names],
        rollback=[UNDO],
        scrape=draw(st.sampled_from(SCRAPES)),
        evaluate=draw(st.sampled_from(EVALUATIONS)),
        **more,
    )
    environment = d.Environment("here", faster=draw(st.sampled_from([1, 1, 1, 1, 1, 10, 60])))
    return rollout, environment
