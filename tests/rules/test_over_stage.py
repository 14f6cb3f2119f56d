"""A criterion over all events of a stage: quiet windows do no harm, and too few events give no verdict yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from handrail.contract import Criterion
from handrail.declare import (
    Above,
    AtMost,
    Below,
    Critical,
    Environment,
    Gauge,
    Guardrail,
    Latency,
    OverStage,
    Ratio,
    Rollout,
    SlowerThan,
    Stage,
)
from handrail.declare.limits import Success
from handrail.lower import lower

from .judged import IN_10, Asked, complaints, shop

FAILED = Ratio(bad='requests_total{status="500"}', of="requests_total")
OK, BAD = 'requests_total{track="canary",status="200"}', 'requests_total{track="canary",status="500"}'
BEFORE = 80
"""Scrapes, four a minute, before the stage of one hour begins: at 20 min."""
EVALUATE = "1m"
"""What is counted of a stage are its evaluations: half as many as of the default take half the time."""
BOUNDS = [0.1, 0.5, 1, 2]


def criterion(guardrail: Guardrail) -> Criterion:
    """Asked at 80 min, a second more than an hour after the stage began."""
    [one] = shop(guardrail, arms=True, evaluate=EVALUATE).playbook.gates[0].criteria
    return one.spanning(3601)


def said(
    promtool: str, guardrail: Guardrail, series: Mapping[str, str], *, broken: bool, figure: float | None
) -> str:
    """What promtool says against this verdict and this figure (None: nobody can judge)."""
    one = criterion(guardrail)
    asked = (
        Asked(f"count({one.expr})", "80m", {"{}": 1} if broken else {}),
        Asked(f"round(max({one.seen}), 0.0001)", "80m", {} if figure is None else {"{}": figure}),
    )
    return complaints(promtool, shop(guardrail, arms=True, evaluate=EVALUATE), {**IN_10, **series}, *asked)


ERRORS = Guardrail(
    "errors", FAILED, success=OverStage(Below("1%")), tiers=[Critical(Above("5%"), action="rollback")]
)


@pytest.mark.parametrize(
    ("ok", "bad", "broken", "figure"),
    [
        ("0+99x400", f"0x{BEFORE + 100} 50+50x10 550x290", True, 0.0226),
        ("0+99x400", f"0x{BEFORE + 100} 10+10x10 110x290", False, 0.0046),
        ("0+199x400", f"0+1x{BEFORE - 1} {BEFORE - 1}x320", False, 0.0),
        (f"0x{BEFORE + 120} 100+100x199", f"0x{BEFORE + 120} 0x199", False, 0.0),
        (f"0x{BEFORE} 2+2x60 122x260", "0x400", False, None),
        (f"0x{BEFORE} 2+2x60 122x260", f"0x{BEFORE + 10} 1+1x30 31x280", True, 0.2026),
        ("0+99x400", f"_x{BEFORE + 100} 99x300", False, 0.0041),
        (f"0+99x{BEFORE + 60} _x80 {99 * (BEFORE + 140)}+99x180", f"0x{BEFORE + 60} _x80 0x180", False, None),
    ],
    ids=[
        "a burst that is too much",
        "a burst that breaks its windows and not the stage",
        "errors before the stage",
        "it sleeps for half of the stage",
        "too few events",
        "too few events, of which many are bad",
        "a series that is born with what it counted",
        "no data for a third of the stage",
    ],
)
def test_a_share_is_judged_by_all_events_since_the_stage_began(
    ok: str, bad: str, broken: bool, figure: float | None
) -> None:
    assert said("promtool", ERRORS, {OK: ok, BAD: bad}, broken=broken, figure=figure) == ""


def test_every_event_of_the_stage_counts_once_whatever_a_window_does_with_its_ends(promtool: str) -> None:
    ends = {OK: f"0x{BEFORE} 0+99x320", BAD: f"0x{BEFORE} 0+1x320"}
    at_limit = Guardrail("errors", FAILED, success=OverStage(Above("1%")), tiers=[Critical(Above("5%"))])
    assert said(promtool, at_limit, ends, broken=True, figure=0.01) == ""


def times(slow: int, quick: int, *, first: int = 0) -> dict[str, str]:
    """Of each scrape so many take between one and two seconds, and so many under a half."""
    rows = {
        bound: quick if bound < 1 else quick + slow * (bound > 1)
        for bound in (*BOUNDS, float("inf"))
        if bound != 0.1
    }
    rows[0.1] = 0
    name = "search_seconds"
    series = {
        f'{name}_bucket{{track="canary",le="{"+Inf" if bound > 2 else f"{bound:g}"}"}}': f"0x{first} 0+{each}x{BEFORE + 240 - first} {each * (BEFORE + 240 - first)}x40"
        for bound, each in rows.items()
    }
    every = quick + slow
    series[f'{name}_count{{track="canary"}}'] = (
        f"0x{first} 0+{every}x{BEFORE + 240 - first} {every * (BEFORE + 240 - first)}x40"
    )
    return series


@pytest.mark.parametrize(
    ("slow", "quick", "first", "broken", "judged"),
    [
        (4, 96, 0, False, True),
        (6, 94, 0, True, True),
        (0, 2, BEFORE + 200, False, False),
        (2, 0, BEFORE + 230, True, True),
    ],
    ids=["quick enough", "too slow", "too few", "too few, of which many are slow"],
)
def test_a_percentile_is_that_of_all_requests_since_the_stage_began(
    slow: int, quick: int, first: int, broken: bool, judged: bool
) -> None:
    latency = Latency("search_seconds", p=95, buckets=BOUNDS)
    guardrail = Guardrail("slow", latency, success=OverStage(Below("1s")), tiers=[Critical(Above("2s"))])
    one = criterion(guardrail)
    asked = (
        Asked(f"count({one.expr})", "80m", {"{}": 1} if broken else {}),
        Asked(f"count({one.seen})", "80m", {"{}": 1} if judged else {}),
    )
    series = {**IN_10, **times(slow, quick, first=first)}
    assert complaints("promtool", shop(guardrail, arms=True, evaluate=EVALUATE), series, *asked) == ""


def least(measure: Latency | Ratio | SlowerThan, success: OverStage) -> int:
    """How many events a criterion needs."""
    [one] = shop(Guardrail("one", measure, success=success, tiers=[]), arms=True).playbook.gates[0].criteria
    assert one.events is not None
    return one.events.least


def test_so_many_events_are_needed_that_ten_lie_beyond_the_limit() -> None:
    good = Ratio(good='writes_total{success="true"}', of="writes_total")
    slow = SlowerThan("search_seconds", "1s", buckets=BOUNDS)
    asked = [
        least(FAILED, OverStage(Below("1%"))),
        least(good, OverStage(Above("95%"))),
        least(slow, OverStage(Below("5%"))),
        *(
            least(Latency("search_seconds", p=p, buckets=BOUNDS), OverStage(Below("1s")))
            for p in (50, 95, 99)
        ),
        least(FAILED, OverStage(AtMost("0%"))),
        least(FAILED, OverStage(Below("1%"), min_events=300)),
    ]
    assert asked == [1000, 200, 200, 20, 200, 1000, 1, 300]


def test_a_stage_no_longer_than_the_window_is_judged_by_the_look_that_sees_all_of_it() -> None:
    stages = [Stage("first", weight="10%", bake="5m"), Stage("100%", weight="100%")]
    rollout = Rollout("shop", "shop", stages=stages, guardrails=[ERRORS])
    (planned,) = lower([rollout], Environment("test")).rollouts
    [one] = planned.playbook.gates[0].criteria
    assert (one.events, one.over, "${span}" in one.expr + one.seen) == (None, None, False)


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        (Gauge("depth"), "OverStage counts the events of a stage, and this measure has none"),
        (Ratio(bad="bad_total", of="all_total", by=["pod"]), "leave by= out"),
    ],
)
def test_what_has_no_events_of_a_stage_is_refused(measure: Gauge | Ratio, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Guardrail("one", measure, success=OverStage(Below("1%")))


@pytest.mark.parametrize(
    ("success", "counts"),
    [
        ((), "this time does not count towards the success criteria."),
        (Below("1%"), "this time does not count towards the success criteria."),
        (OverStage(Below("1%")), "only a criterion counted over the whole stage includes these events."),
        (
            [Below("5%"), OverStage(Below("1%"))],
            "only a criterion counted over the whole stage includes these events.",
        ),
    ],
)
def test_who_hears_of_too_few_events_hears_whether_a_gate_counts_them(
    success: Success | Sequence[Success], counts: str
) -> None:
    tiers = [Critical(Above("5%"), action="rollback")]
    [planned] = shop(Guardrail("errors", FAILED, success=success, tiers=tiers)).guardrails
    assert planned.thin is not None
    assert planned.thin.description.endswith(f"too few. Too little data is not a pass; {counts}")
