"""alert-never-fires: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.alert_never_fires import NAME

STAGED = (
    'stages=[Stage("0%", weight="0%", bake="4h"), Stage("10%", weight="10%", bake="4h"), Stage("100%", weight="100%")]',
    "arms=ARMS",
    "rollback=UNDO",
)
NOWHERE = "there is no stage in which it judges anything; give it a limit in another stage"


def said(*facts: str, measure: str = "ERRORS") -> list[str]:
    start = "error: 'errors' has a warning tier that can never fire: "
    whats = [what for _, what in found(NAME, *STAGED, guardrail(*facts, measure=measure))]
    assert all(what.startswith(start) for what in whats)
    return [what.removeprefix(start) for what in whats]


@pytest.mark.parametrize(
    "facts",
    [
        ('tiers=[Warning(Above({"0%": "5%"}))]',),
        ('tiers=[Warning(Above({"0%": "5%", "10%": None}))]',),
        ("against=StableArm()", 'tiers=[Warning(RisePoints({"100%": "5%"}))]'),
        ("against=StableArm()", 'tiers=[Warning(RisePoints({"0%": "5%", "100%": "5%"}))]'),
        ("against=PreviousStage()", 'tiers=[Warning(RisePoints({"0%": "5%"}))]'),
        ("against=PreviousStage()", 'tiers=[Warning(RisePoints({"10%": "5%"}))]'),
        ('against=PreviousStage("10%")', 'tiers=[Warning(RisePoints({"10%": "5%"}))]'),
        ("against=BeforeRollout()", 'tiers=[Warning(RisePoints({"0%": "5%"}))]'),
    ],
)
def test_a_limit_where_nothing_is_judged_never_fires(facts: tuple[str, ...]) -> None:
    assert said(*facts) == [NOWHERE]


@pytest.mark.parametrize(
    "facts",
    [
        ('tiers=[Warning(Above("5%"))]',),
        ('tiers=[Warning(Above({"0%": "5%"}, otherwise="6%"))]',),
        ("whole_service=True", 'tiers=[Warning(Above({"0%": "5%"}))]'),
        ("against=StableArm()", 'tiers=[Warning(RisePoints("5%"))]'),
        ("against=PreviousStage()", 'tiers=[Warning(RisePoints({"100%": "5%"}))]'),
        ('against=PreviousStage("10%")', 'tiers=[Warning(RisePoints({"100%": "5%"}))]'),
        ('against=Ago("1h")', 'tiers=[Warning(RisePoints("5%"))]'),
        ('tiers=[Warning(Above({"0%": "5%"}), or_=[On("other", ERRORS, Above("5%"))])]',),
        ('tiers=[Warning(Above("5%"), during="10m", sustained="5m")]',),
    ],
)
def test_a_limit_where_something_is_judged_may_fire(facts: tuple[str, ...]) -> None:
    assert said(*facts) == []


def test_a_tier_that_counts_for_less_time_than_it_must_be_sustained_never_fires() -> None:
    assert said('tiers=[Warning(Above("5%"), during="5m", sustained="5m")]') == [
        "it counts for 5m and must be sustained for 5m; shorten sustained=, or lengthen during="
    ]


def test_a_state_that_the_matchers_leave_out_never_comes() -> None:
    tiers = 'tiers=[Warning(Is("open"))]'
    cure = "correct the matcher or the state"
    for matcher in ('state="closed"', 'state!="open"', 'state=~"closed|half"', 'state!~"o.*"'):
        what = f"breaker{{{matcher},track=\"canary\"}} is never 'open'; {cure}"
        assert said(tiers, measure=f"State('breaker{{{matcher}}}')") == [what]
    assert said(tiers, measure="State('breaker{state=~\"open|half\"}')") == []


def test_what_must_be_sustained_takes_whole_evaluations() -> None:
    assert said('tiers=[Warning(Above("5%"), during="5m", sustained="4m31s")]') == [
        "it counts for 5m and must be sustained for 4m31s, which takes evaluations for 5m; shorten sustained=, or lengthen during="
    ]
    assert said('tiers=[Warning(Above("5%"), during="5m", sustained="4m30s")]') == []


EXCLUDED = (
    "the condition it is bound to leaves nothing beyond the limit; "
    "let the condition look at something else, or correct its figure"
)


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ('Gauge("x"), condition=Gauge("x"), at_most=5', "Above(5)"),
        ('Gauge("x"), condition=Gauge("x"), at_most=5', "AtLeast(6)"),
        ('Gauge("x"), condition=Gauge("x"), above=5', "Below(5)"),
        ('Gauge("x"), condition=Gauge("x"), above=5', "AtMost(5)"),
        ('Rate("x_total"), condition=Rate("x_total"), at_most="1/s"', 'Above("2/s")'),
        ('Increase("x_total"), condition=Rate("x_total"), at_most="1/min"', "Above(5)"),
    ],
)
def test_a_condition_on_the_measured_series_may_leave_nothing_beyond_the_limit(
    measure: str, limit: str
) -> None:
    assert said(f"tiers=[Warning({limit})]", measure=f"While({measure})") == [EXCLUDED]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ('Gauge("x"), condition=Gauge("x"), at_most=5', "AtLeast(5)"),
        ('Gauge("x"), condition=Gauge("x"), at_most=5', "Below(2)"),
        ('Gauge("x"), condition=Gauge("x"), above=5', "AtMost(6)"),
        ('Gauge("x"), condition=Gauge("y"), at_most=5', "Above(5)"),
        ('Rate("x_total"), condition=Rate("x_total"), at_most="1/s"', 'AtLeast("1/s")'),
        ('Increase("x_total"), condition=Rate("x_total"), at_most="1/min"', "AtLeast(5)"),
        ('Increase("x_total"), condition=Rate("x_total", window="10m"), at_most="1/min"', "Above(5)"),
    ],
)
def test_or_leave_something(measure: str, limit: str) -> None:
    assert said(f"tiers=[Warning({limit})]", measure=f"While({measure})") == []


def test_it_may_leave_too_few_events_to_judge() -> None:
    measure = 'While(ERRORS, condition=Rate("requests_total"), at_most="{}/min")'
    tiers = 'tiers=[Warning(Above("5%"))]'
    cure = "let the condition look at something else, or correct its figure"
    assert said(tiers, measure=measure.format(1)) == [
        f"its condition leaves 5 events in 5m, and it needs 10; {cure}"
    ]
    assert said(tiers, measure=measure.format(2)) == []


def test_it_is_said_in_one_run_with_what_the_declarations_show_and_may_be_accepted() -> None:
    tiers = 'tiers=[Warning(Above({"0%": "5%"}), severity="critical")]'
    facts = guardrail(tiers, measure='Ratio(bad="x_total", of="y_total", window="20s")')
    assert len(found(NAME, *STAGED, facts)) == len(found("window-too-short", *STAGED, facts)) == 1
    accepted = guardrail(tiers, f'accept={{"{NAME}": "the stage is to come"}}')
    assert found(NAME, *STAGED, accepted) == []
