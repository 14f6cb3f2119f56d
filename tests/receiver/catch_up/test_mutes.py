"""What muted an alert that is over, by what Alertmanager keeps: its silences and its rules."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from guarded import NOW
from handrail_receiver.catch_up.mutes import Inhibition, Matcher, PastAlert, Silence, configured, inhibitions

LABELS = {"rollout": "shop", "guardrail": "error-rate", "severity": "critical", "table": "a\nb"}
NOON, END = NOW, NOW + timedelta(minutes=10)
FIRED = PastAlert(LABELS, NOON, END)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ('rollout="shop"', True),
        ('rollout!="shop"', False),
        ('rollout=~"sh.p"', True),
        ('rollout=~"sh"', False),
        ('table=~"a.b"', True),
        ('rollout!~"sh"', True),
        ('missing=""', True),
        ('missing!=""', False),
        ('missing=~"a|"', True),
        ('severity =~ "critical|emergency"', True),
        ('rollout="a\\"b"', False),
        ('rollout=~"(?Ushop)"', True),
    ],
)
def test_a_condition_is_alertmanager_s(written: str, holds: bool) -> None:
    rule = Inhibition.model_validate({"target_matchers": [written]})
    assert rule.may_mute(LABELS) is holds


@pytest.mark.parametrize(
    ("starts", "ends", "mutes"),
    [
        (-5, 60, True),
        (5, 60, True),
        (-5, 5, False),
        (-5, 10, True),
        (15, 20, True),
        (40, 60, False),
    ],
    ids=[
        "all the time",
        "since it fired",
        "ended before it did",
        "to its last moment",
        "afterwards",
        "not yet",
    ],
)
def test_a_silence_counts_when_it_is_the_last_word_on_the_alert(
    starts: float, ends: float, mutes: bool
) -> None:
    silence = Silence(
        matchers=(Matcher(name="rollout", value="shop"),),
        startsAt=NOON + minutes(starts),
        endsAt=NOON + minutes(ends),
    )
    assert silence.mutes(FIRED, NOON + minutes(30)) is mutes


def test_a_silence_of_something_else_is_none() -> None:
    silence = Silence(
        matchers=(Matcher(name="rollout", value="shop"), Matcher(name="guardrail", value="leaks")),
        startsAt=NOON,
        endsAt=END,
    )
    assert not silence.mutes(FIRED, END)


RULE = Inhibition.model_validate(
    {
        "source_matchers": ['alertname="Maintenance"'],
        "target_matchers": ['rollout!=""'],
        "equal": ["rollout", "nowhere"],
    }
)
MAINTENANCE = PastAlert({"alertname": "Maintenance", "rollout": "shop"}, NOON, END)


@pytest.mark.parametrize(
    ("by", "mutes"),
    [
        (MAINTENANCE, True),
        (PastAlert(MAINTENANCE.labels, NOON - minutes(9), END + minutes(9)), True),
        (PastAlert(MAINTENANCE.labels, NOON + minutes(1), END), False),
        (PastAlert(MAINTENANCE.labels, NOON, END - minutes(1)), False),
        (PastAlert({"alertname": "Maintenance", "rollout": "kiosk"}, NOON, END), False),
        (PastAlert({"alertname": "Other", "rollout": "shop"}, NOON, END), False),
    ],
    ids=["just as long", "longer", "later", "shorter", "of another rollout", "another alert"],
)
def test_an_inhibition_counts_when_it_lasted_as_long_as_the_alert(by: PastAlert, mutes: bool) -> None:
    assert RULE.mutes(FIRED, by) is mutes


def test_alerts_that_are_both_sides_of_a_rule_do_not_mute_each_other() -> None:
    rule = Inhibition.model_validate(
        {"source_match": {"rollout": "shop"}, "target_match_re": {"rollout": ".+"}}
    )
    assert not rule.mutes(FIRED, PastAlert({**LABELS, "guardrail": "leaks"}, NOON, END))


def test_a_rule_is_asked_for_in_prometheus_without_the_labels_it_adds_later() -> None:
    rule = Inhibition.model_validate(
        {"source_matchers": ['severity=~"a|b"', 'cluster="eu"', 'x!="\\""'], "source_match": {"y": "z"}}
    )
    assert rule.selector({"cluster": "eu"}) == 'alertstate="firing",severity=~"a|b",x!="\\"",y="z"'


def test_the_rules_are_read_from_the_configuration_that_alertmanager_shows() -> None:
    written = """
route: {receiver: nobody}
inhibit_rules:
- source_matchers:
  - alertname="Maintenance"
  target_matchers:
  - rollout!=""
  equal:
  - rollout
  - nowhere
"""
    shown = json.dumps({"config": {"original": written}}).encode()
    assert inhibitions(configured(shown)) == (RULE,)
    assert inhibitions({"route": {}}) == ()
