"""Tests that cannot fail prove nothing: one mutant of every alert is noticed by the tests generated for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from handrail.plan import Alert, Guardrail, Rollout
from mutation.mutants import Mutant
from mutation.verdict import Subject, alone, judge, rollouts

ROLLOUTS = rollouts(Path(__file__).parents[2] / "rules_src")
ALERTS = [
    pytest.param(rollout, guardrail, alert, id=alert.name)
    for rollout in ROLLOUTS
    for guardrail in rollout.guardrails
    for alert in (*guardrail.alerts, guardrail.blind)
]
TURNED = ("> → < (1)", "< → > (1)", ">= → < (1)", "<= → > (1)", "absent → count (1)")


@cache
def subject_of(rollout: str, guardrail: str) -> Subject:
    whole = next(known for known in ROLLOUTS if known.name == rollout)
    return alone(whole, next(known for known in whole.guardrails if known.name == guardrail))


@pytest.mark.parametrize(("rollout", "guardrail", "alert"), ALERTS)
def test_an_alert_whose_condition_is_turned_round_is_noticed(
    rollout: Rollout, guardrail: Guardrail, alert: Alert
) -> None:
    subject = subject_of(rollout.name, guardrail.name)
    assert judge(subject, _turned_round(subject, alert))


def _turned_round(subject: Subject, alert: Alert) -> Mutant:
    return next(m for m in subject.mutants() if m.rule == alert.name and m.what in TURNED)


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=[rollout.name for rollout in ROLLOUTS])
def test_the_tests_pass_on_the_rules_as_they_are(rollout: Rollout) -> None:
    assert not judge(subject_of(rollout.name, rollout.guardrails[0].name))
