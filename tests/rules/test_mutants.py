"""Tests that cannot fail prove nothing: one mutant of every alert is noticed by the tests generated for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from handrail.plan import Rollout
from mutation.mutants import Mutant
from mutation.verdict import Subject, judge, rollouts, subjects

ROLLOUTS = rollouts(Path(__file__).parents[2] / "rules_src")
ALERTS = [
    pytest.param(rollout, group, alert.name, id=f"{rollout.name}-{alert.name}")
    for rollout in ROLLOUTS
    for group, alerts in (
        *((each.name, (*each.alerts, each.blind)) for each in rollout.guardrails),
        *((f"slo-{slo.name}", (*slo.alerts, slo.blind)) for slo in rollout.slos),
        ("rollout", (*(level.alert for level in rollout.escalation), rollout.heartbeat)),
    )
    for alert in alerts
]
TURNED = ("absent → count (1)", "> → < (1)", "< → > (1)", ">= → < (1)", "<= → > (1)")
LATER = "for an evaluation longer"
UNREACHED = {
    "AurigraphV12NodesCritical": "its measure and its condition look at the same series",
    "AurigraphV12NodesBlind": "its measure and its condition look at the same series",
    "AurigraphV12SloAvailabilityWarning": "where one day burns, the three days beside it fire too",
    "AurigraphV12SloLatencyP95Warning": "where one day burns, the three days beside it fire too",
    "AurigraphV12SloLatencyP99Warning": "where one day burns, the three days beside it fire too",
}
"""Alerts of which the generated tests do not notice it today, and why. What they learn to notice must leave this list."""


@cache
def subject_of(rollout: str, group: str) -> Subject:
    whole = next(known for known in ROLLOUTS if known.name == rollout)
    [found] = subjects(whole, [f"{rollout}/{group}"])
    return found


@pytest.mark.parametrize(("rollout", "group", "alert"), ALERTS)
def test_an_alert_whose_condition_is_turned_round_is_noticed(
    rollout: Rollout, group: str, alert: str
) -> None:
    subject = subject_of(rollout.name, group)
    assert judge(subject, _turned_round(subject, alert)) is (alert not in UNREACHED)


def _turned_round(subject: Subject, alert: str) -> Mutant:
    """Where there is nothing to turn round, as in a heartbeat, one that comes too late."""
    found = {mutant.what: mutant for mutant in subject.mutants(alert)}
    return next(found[what] for what in (*TURNED, LATER) if what in found)


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=[rollout.name for rollout in ROLLOUTS])
def test_the_tests_pass_on_the_rules_as_they_are(rollout: Rollout) -> None:
    assert not judge(subject_of(rollout.name, rollout.guardrails[0].name))
