"""A gate judges a stage as a whole, by its own events alone, and only when enough of it was seen."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from handrail.contract import Criterion
from handrail.declare import (
    Above,
    Ago,
    Arms,
    AtLeast,
    BeforeRollout,
    Below,
    Critical,
    Environment,
    Gate,
    Gauge,
    Guardrail,
    Increase,
    Not,
    PromQL,
    Ratio,
    RisePoints,
    Rollout,
    Stage,
    Usage,
    While,
)
from handrail.declare.limits import Reference
from handrail.lower import lower

from .judged import IN_10, Asked, complaints, shop

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{status="500"}', of="requests_total"),
    success=Below("1%"),
    tiers=[Critical(Above("5%"), action="rollback")],
)
EVALUATE = "1m"
"""What is counted of a stage are its evaluations: half as many as of the default take half the time."""
PLAN = shop(ERRORS, arms=True, evaluate=EVALUATE)
[CRITERION] = PLAN.playbook.gates[0].criteria
OK, BAD = 'requests_total{track="canary",status="200"}', 'requests_total{track="canary",status="500"}'
BEFORE = 80
"""Scrapes, four a minute, before the stage of one hour begins: the hour ends at 80 min."""


def judged(
    promtool: str,
    series: Mapping[str, str],
    *,
    broken: bool,
    seen: bool,
    about: float = 1,
    criterion: Criterion = CRITERION,
) -> str:
    """What promtool says against this verdict at the end of the stage; `about` is the share of it that was judged."""
    asked = (
        Asked(f"count({criterion.expr})", "80m", {"{}": 1} if broken else {}),
        Asked(f"count({criterion.seen})", "80m", {"{}": 1} if seen else {}),
        Asked(f"count(abs(({criterion.judged}) - {about}) < 0.03)", "80m", {"{}": 1}),
    )
    return complaints(promtool, PLAN, {**IN_10, **series}, *asked)


def test_a_stage_with_traffic_all_the_time_is_met_and_judged_for_all_of_it(promtool: str) -> None:
    assert judged(promtool, {OK: "0+100x400", BAD: "0x400"}, broken=False, seen=True) == ""


def test_a_stage_without_traffic_until_its_last_minutes_is_not_met_and_says_for_how_little(
    promtool: str,
) -> None:
    late = {OK: f"0x{BEFORE + 220} 100+100x40", BAD: "0x400"}
    assert judged(promtool, late, broken=False, seen=False, about=0.09) == ""


@pytest.mark.parametrize(("gap", "seen", "about"), [(28, True, 0.95), (60, False, 0.81)])
def test_a_short_gap_is_no_harm_and_a_long_one_is(promtool: str, gap: int, seen: bool, about: float) -> None:
    """A gap counts from when the window has too little traffic in it until it has enough again."""
    stops = f"0+100x{BEFORE + 100} _x{gap} {100 * (BEFORE + 100)}+100x200"
    assert judged(promtool, {OK: stops, BAD: "0x400"}, broken=False, seen=seen, about=about) == ""


def test_errors_in_the_middle_of_it_are_seen_at_its_end(promtool: str) -> None:
    burst = {OK: "0+100x400", BAD: f"0x{BEFORE + 100} 50+50x10 500x290"}
    assert judged(promtool, burst, broken=True, seen=True) == ""


def test_errors_of_the_attempt_before_are_not_its_own(promtool: str) -> None:
    before = {OK: "0+100x400", BAD: f"0+50x{BEFORE - 1} {50 * (BEFORE - 1)}x320"}
    assert judged(promtool, before, broken=False, seen=True) == ""


def criteria(
    guardrail: Guardrail, *, weight: str = "10%", bake: str = "1h", gate: Gate | None = None
) -> list[Criterion]:
    """What the gate out of such a stage asks for."""
    stages = [Stage("first", weight=weight, bake=bake), Stage("100%", weight="100%", gate=gate)]
    arms = Arms("track", canary="canary", stable="stable")
    rollout = Rollout("shop", "shop", arms=arms, stages=stages, guardrails=[guardrail], evaluate=EVALUATE)
    (planned,) = lower([rollout], Environment("test")).rollouts
    into = planned.playbook.gates[0]
    return list(into.criteria)


@pytest.mark.parametrize(("coverage", "seen"), [("50%", True), ("60%", False), ("90%", False)])
def test_a_service_that_sleeps_for_a_part_of_the_stage_passes_where_that_is_declared(
    promtool: str, coverage: str, seen: bool
) -> None:
    [criterion] = criteria(ERRORS, gate=Gate(coverage=coverage))
    asleep = {OK: f"0x{BEFORE + 120} 100+100x120", BAD: "0x400"}
    said = judged(promtool, asleep, broken=False, seen=seen, about=0.55, criterion=criterion)
    assert (said, criterion.coverage) == ("", float(coverage.rstrip("%")) / 100)


NIGHTS = Gate(coverage="50%")
"""For a service that sleeps for a part of the stage."""
SLEEPS = {OK: f"0x{BEFORE + 120} 100+100x120", BAD: "0x400"}
BEFORE_OF_ERRORS = 'handrail_reference{rollout="shop",guardrail="errors",reference="before"}'
RISE = Not(RisePoints("1%"))


def errors(against: Reference) -> Guardrail:
    return Guardrail("errors", ERRORS.measure, against=against, success=RISE, tiers=ERRORS.tiers)


def both(canary: str, stable: str) -> dict[str, str]:
    """The good requests of either arm; there are no bad ones."""
    arms = (("canary", canary), ("stable", stable))
    return {f'requests_total{{track="{arm}",status="200"}}': requests for arm, requests in arms}


BUSY_USERS = Guardrail(
    "users",
    While(Gauge("users"), condition=Gauge("users_usual"), above=20),
    success=AtLeast(10),
    tiers=[Critical(Below(5))],
)
USERS, USUAL = 'users{track="canary"}', 'users_usual{track="canary"}'


@pytest.mark.parametrize(
    ("guardrail", "series", "seen", "about"),
    [
        (ERRORS, {OK: "_x199 0+100x200", BAD: "_x199 0x200"}, False, 0.55),
        (errors(BeforeRollout()), SLEEPS | {BEFORE_OF_ERRORS: "0.001x400"}, True, 0.55),
        (errors(BeforeRollout()), SLEEPS | {BEFORE_OF_ERRORS: "_x150 0.001x250"}, False, 0.55),
        (errors(Ago("10m")), both("0x140 100+100x260", "0x140 100+100x260"), True, 0.64),
        (errors(Ago("10m")), both("0+100x400", "_x159 0+100x240"), False, 0.55),
        (BUSY_USERS, {USERS: "0x200 50x200", USUAL: "0x200 50x200"}, True, 0.5),
        (BUSY_USERS, {USERS: "_x199 50x200", USUAL: "50x400"}, False, 0.5),
        (BUSY_USERS, {USERS: "50x400", USUAL: "_x199 50x200"}, False, 0.5),
    ],
    ids=[
        "its series are gone",
        "it sleeps, and its earlier figure is there",
        "its earlier figure is gone",
        "it sleeps now and then",
        "its past is gone",
        "its condition does not hold",
        "its series are gone while its condition holds",
        "its condition is gone",
    ],
)
def test_lower_coverage_forgives_that_nothing_happens_and_not_that_nobody_can_see(
    guardrail: Guardrail, series: Mapping[str, str], seen: bool, about: float
) -> None:
    [criterion] = criteria(guardrail, gate=NIGHTS)
    plan = shop(guardrail, arms=True, evaluate=EVALUATE)
    asked = (
        Asked(f"count({criterion.seen})", "80m", {"{}": 1} if seen else {}),
        Asked(f"count(abs(({criterion.judged}) - {about}) < 0.06)", "80m", {"{}": 1}),
        Asked(f"count(({criterion.there}) >= 0.9)", "80m", {"{}": 1} if seen else {}),
    )
    assert complaints("promtool", plan, {**IN_10, **series}, *asked) == ""


def test_lower_coverage_is_not_for_what_needs_no_traffic() -> None:
    level = Guardrail("level", Gauge("depth"), success=Below(5), tiers=[Critical(Above(9))])
    failed = Guardrail("failed", Increase("failed_total"), success=Below(1), tiers=[Critical(Above(9))])
    for guardrail in (level, failed):
        [criterion] = criteria(guardrail, gate=NIGHTS)
        assert (criterion.coverage, criterion.there) == (0.9, "")
        assert criterion.seen == f"{criterion.judged} >= 0.9"


def test_as_much_traffic_as_usual_says_already_that_the_data_was_there() -> None:
    [usual], [more] = criteria(ERRORS), criteria(ERRORS, gate=Gate(coverage="95%"))
    assert (usual.coverage, usual.there, more.coverage, more.there) == (0.9, "", 0.95, "")


WHOLE = Guardrail("errors", ERRORS.measure, success=Below("1%"), tiers=ERRORS.tiers, whole_service=True)


def test_out_of_a_stage_without_traffic_no_arm_is_asked_about() -> None:
    assert criteria(ERRORS, weight="0%") == []
    assert [one.text for one in criteria(ERRORS)] == ["below 1 %"]
    assert [one.text for one in criteria(WHOLE, weight="0%")] == ["below 1 %"]


def test_a_stage_no_longer_than_the_window_is_judged_by_the_look_that_sees_all_of_it() -> None:
    [now] = criteria(ERRORS, bake="5m")
    assert (now.over, now.judged) == (None, "")
    assert "count_over_time" not in now.expr + now.seen


def test_what_looks_at_this_moment_only_is_judged_over_the_whole_stage() -> None:
    [pool] = criteria(
        Guardrail("pool", Usage("pool_in_use", 50), success=Below("80%"), tiers=[Critical(Above("90%"))])
    )
    assert pool.over == 3600


def needs(guardrail: Guardrail) -> tuple[tuple[str, ...], ...]:
    """The series without which the guardrail sees nothing."""
    [facts] = shop(guardrail, arms=True, evaluate=EVALUATE).playbook.guardrails
    return facts.needs


def test_a_guardrail_needs_its_series_in_either_arm() -> None:
    assert needs(ERRORS) == (('requests_total{track=~"canary|stable"}',),)


def test_a_share_of_a_size_needs_both_and_free_promql_one_of_what_it_names() -> None:
    pool = Guardrail("pool", Usage("pool_in_use", "pool_size"), tiers=[Critical(Above("90%"))])
    assert needs(pool) == (
        ('pool_in_use{track=~"canary|stable"}',),
        ('pool_size{track=~"canary|stable"}',),
    )
    free = Guardrail(
        "free", PromQL('sum(rate(a_total{x!="y"}[5m])) / sum(b) > 3'), tiers=[Critical(Above(1))]
    )
    assert needs(free) == (('a_total{x!="y"}', "b"),)
    level = Guardrail("level", Gauge('depth{queue="a"}'), tiers=[Critical(Above(1))])
    assert needs(level) == (('depth{queue="a",track=~"canary|stable"}',),)
