"""hold-outlasts-event: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.hold_outlasts_event import NAME

COUNT = 'Increase("attempts_total", window="5m")'


def test_one_event_must_be_visible_for_longer_than_the_hold() -> None:
    tiers = """
        tiers=[
            Critical(
                Above(0),
                hold="5m",
            ),
        ]
    """
    assert found(NAME, guardrail(tiers, measure=COUNT)) == [
        (
            'hold="5m",',
            (
                "error: 'errors' holds for 5m what one event shows for 5m, so one event never fires it; "
                "shorten hold= or widen window="
            ),
        )
    ]


def test_a_change_of_state_is_visible_for_its_own_window() -> None:
    facts = guardrail('tiers=[Warning(Changed("1m"), hold="2m")]', measure='State("breaker")')
    assert len(found(NAME, facts)) == 1


def test_a_shorter_hold_is_fine() -> None:
    assert found(NAME, guardrail('tiers=[Critical(Above(0), hold="1m")]', measure=COUNT)) == []


def test_a_limit_of_many_events_may_be_held_for_long() -> None:
    assert found(NAME, guardrail('tiers=[Critical(Above(100), hold="10m")]', measure=COUNT)) == []
