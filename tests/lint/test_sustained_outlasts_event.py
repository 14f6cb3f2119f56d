"""sustained-outlasts-event: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.sustained_outlasts_event import NAME

COUNT = 'Increase("attempts_total", window="5m")'


def test_one_event_must_be_visible_for_longer_than_it_must_be_sustained() -> None:
    tiers = """
        tiers=[
            Critical(
                Above(0),
                sustained="5m",
            ),
        ]
    """
    assert found(NAME, guardrail(tiers, measure=COUNT)) == [
        (
            'sustained="5m",',
            (
                "error: 'errors' must be sustained for 5m, and one event shows for 5m, so one event never fires it; "
                "shorten sustained= or widen window="
            ),
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        (COUNT, "AtLeast(1)"),
        (COUNT, "Above(0.5)"),
        (f"While({COUNT}, condition=Rate('x_total'))", "AtLeast(1)"),
        ('Increase("request_seconds", slower_than="1s", buckets=[1])', "AtLeast(1)"),
        ('Rate("errors_total")', 'Above("0/s")'),
        ('Rate("errors_total")', 'Above("0.1/min")'),
        ('Rate("errors_total")', 'AtLeast("0.2/min")'),
        ('Changes("started", window="5m")', "Above(0)"),
        ("ERRORS", 'Above("0%")'),
        ('SlowerThan("request_seconds", "1s", buckets=[1])', 'Above("0%")'),
    ],
)
def test_whichever_way_it_is_said_that_there_must_be_none(measure: str, limit: str) -> None:
    facts = guardrail(f'tiers=[Critical({limit}, sustained="5m")]', measure=measure)
    assert len(found(NAME, facts)) == 1


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        (COUNT, "Above(1)"),
        (COUNT, "AtLeast(2)"),
        ('Rate("errors_total")', 'Above("0.2/min")'),
        ("ERRORS", 'Above("0.1%")'),
        ('Rate("requests_total")', 'Below("1/s")'),
    ],
)
def test_what_takes_more_than_one_event_may_have_to_be_sustained(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f'tiers=[Critical({limit}, sustained="5m")]', measure=measure)) == []


def test_a_change_of_state_is_visible_for_its_own_window() -> None:
    facts = guardrail('tiers=[Warning(Changed("1m"), sustained="2m")]', measure='State("breaker")')
    assert len(found(NAME, facts)) == 1


def test_a_jump_is_visible_until_it_is_in_the_past_too() -> None:
    facts = ('against=Ago("5m")', 'tiers=[Warning(RisePoints(5), sustained="5m")]')
    what = "'errors' must be sustained for 5m, and one jump shows for 5m, so one jump never fires it"
    cure = "shorten sustained= or compare with a longer time ago"
    assert found(NAME, guardrail(*facts, measure='Gauge("depth")')) == [
        ('tiers=[Warning(RisePoints(5), sustained="5m")],', f"error: {what}; {cure}")
    ]
    fixed = ('against=Ago("5m")', 'tiers=[Warning(Above(5), sustained="5m")]')
    later = ('against=Ago("6m")', 'tiers=[Warning(RisePoints(5), sustained="5m")]')
    for fine in (fixed, later):
        assert found(NAME, guardrail(*fine, measure='Gauge("depth")')) == []


def test_what_must_be_sustained_for_less_is_fine() -> None:
    assert found(NAME, guardrail('tiers=[Critical(Above(0), sustained="1m")]', measure=COUNT)) == []


def test_a_limit_of_many_events_may_have_to_be_sustained_for_long() -> None:
    assert found(NAME, guardrail('tiers=[Critical(Above(100), sustained="10m")]', measure=COUNT)) == []
