"""Whom the receiver believes: which alerts count, as what, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from guarded import NOW, ROLLOUT, playbook, signal
from guarded.playbook import ENVIRONMENT
from handrail.contract import OpenArms, Playbook
from handrail_receiver.decide.admission import believed, heartbeat, judge, over
from handrail_receiver.decide.alert_series import series_of
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Conditions,
    Decision,
    Heard,
    History,
    LastSaid,
    SetHold,
    Signal,
)

HISTORY = History(Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice"))
BOOK = playbook(environment=ENVIRONMENT)
SHADOW = playbook(environment=ENVIRONMENT, tiers={"leaks/critical": {"shadow": True}})
NAMELESS = (
    "error-rate fires without the label environment; this receiver guards 'production': "
    "generate the rules again and reload Prometheus"
)


def decided(one: Signal, history: History = HISTORY, book: Playbook = BOOK) -> list[Decision]:
    return list(judge(one, book, lambda _: history, Conditions(NOW)))


def words(one: Signal, history: History = HISTORY, book: Playbook = BOOK) -> list[tuple[str, str]]:
    return [(made.verdict.value, made.reason) for made in decided(one, history, book)]


def without(one: Signal, label: str) -> Signal:
    return replace(one, labels={name: value for name, value in one.labels.items() if name != label})


def grafana(guardrail: str = "error-rate", *, firing: bool = True, **more: str) -> Signal:
    """What Grafana fires for a rule whose query had no data: the rule's labels, and Grafana's own."""
    added = {"datasource_uid": "P1", "ref_id": "A", "rulename": "ShopErrorRateCritical", **more}
    return signal(guardrail, firing=firing, **{"alertname": "DatasourceNoData", **added})


def held(*said: tuple[Signal, str], why: str = "") -> History:
    attempt = HISTORY.attempt and replace(HISTORY.attempt, held=why)
    return replace(
        HISTORY,
        attempt=attempt,
        said=tuple(LastSaid(series_of(one), source, one.firing, NOW) for one, source in said),
    )


def test_an_alert_of_our_environment_is_decided() -> None:
    assert words(signal()) == [("act", "limit-broken")]


@pytest.mark.parametrize("theirs", ["staging", "Production", "production "])
def test_an_alert_of_another_environment_is_ignored_and_says_so(theirs: str) -> None:
    (made,) = decided(signal(environment=theirs))
    assert (made.verdict.value, made.reason, made.text, made.changes) == (
        "ignore",
        "other-environment",
        f"the alert is of environment {theirs!r}; this receiver guards 'production'",
        (),
    )
    assert words(signal(environment=theirs, firing=False)) == [("ignore", "other-environment")]


def test_an_alert_without_an_environment_holds_and_people_are_told_once() -> None:
    nameless = without(signal(), "environment")
    (made,) = decided(nameless)
    assert (made.verdict.value, made.reason, made.text, made.action, made.changes) == (
        "hold",
        "no-environment",
        NAMELESS,
        "rollback",
        (SetHold(NAMELESS),),
    )
    assert words(nameless, held(why=NAMELESS)) == [("repeat", "no-environment")]
    assert words(without(signal(tier="warning"), "environment")) == [("ignore", "no-environment")]


def test_a_resolve_without_an_environment_closes_what_was_heard_before_rules_had_one() -> None:
    nameless = without(signal(), "environment")
    (made,) = decided(replace(nameless, firing=False), held((nameless, "error-rate/critical")))
    assert made.changes == (Heard(series_of(nameless), "error-rate/critical", firing=False),)


def test_a_playbook_without_an_environment_compares_nothing() -> None:
    for one in (signal(environment="staging"), without(signal(), "environment")):
        assert words(one, book=playbook()) == [("act", "limit-broken")]


def test_a_heartbeat_counts_when_it_fires_and_is_not_of_another_environment() -> None:
    def said(*books: Playbook, firing: bool = True, **labels: str) -> tuple[str, str]:
        made = heartbeat(Signal(firing, {"alertname": "HandrailHeartbeat", **labels}), books)
        return made.verdict.value, made.reason

    assert said(BOOK, environment=ENVIRONMENT) == ("note", "heartbeat")
    assert said(BOOK) == ("note", "heartbeat")
    assert said(playbook(), environment="staging") == ("note", "heartbeat")
    assert said(BOOK, environment="staging") == ("ignore", "other-environment")
    assert said(BOOK, environment=ENVIRONMENT, firing=False) == ("ignore", "heartbeat-ended")


@pytest.mark.parametrize("name", ["DatasourceNoData", "DatasourceError"])
def test_grafana_s_own_alerts_are_the_blind_tier_of_the_guardrail(name: str) -> None:
    one = grafana(alertname=name)
    (made,) = decided(one)
    blind = replace(one, labels={**one.labels, "tier": "blind"})
    assert (made.verdict.value, made.reason, made.action, made.text, made.changes) == (
        "hold",
        "asked-for",
        "hold",
        "error-rate cannot see",
        (
            Heard(series_of(blind), "error-rate/blind", firing=True),
            SetHold("error-rate cannot see", "error-rate/blind"),
        ),
    )
    (ended,) = decided(replace(one, firing=False), held((blind, "error-rate/blind")))
    assert (ended.reason, ended.changes) == (
        "resolved",
        (Heard(series_of(blind), "error-rate/blind", firing=False),),
    )


@pytest.mark.parametrize("reason", ["NoData", "Error", "NoData, KeepLast"])
def test_a_rule_of_grafana_s_that_fires_for_want_of_data_is_blind_until_it_sees(reason: str) -> None:
    fires = signal()
    (made,) = decided(replace(fires, annotations={"grafana_state_reason": reason}))
    blind = replace(fires, labels={**fires.labels, "tier": "blind"})
    heard = Heard(series_of(blind), "error-rate/blind", firing=True)
    assert (made.verdict.value, made.changes[0]) == ("hold", heard)
    history = held((blind, "error-rate/blind"))
    over = [("note", "resolved"), ("act", "limit-broken")]
    assert words(fires, history) == over
    assert words(replace(fires, firing=False), history) == [("note", "resolved")] * 2


def test_a_guardrail_without_a_blind_tier_is_held_too_and_one_in_shadow_is_not() -> None:
    assert words(grafana("leaks")) == [("hold", "asked-for")]
    assert words(grafana("leaks"), book=SHADOW) == [("shadow", "shadow")]


@pytest.mark.parametrize("action", ["rollback", "emergency-rollback", "investigate"])
def test_a_blind_tier_never_rolls_back_for_grafana_s_sake(action: Any) -> None:
    book = playbook(environment=ENVIRONMENT, tiers={})
    tiers = tuple(
        tier.model_copy(update={"action": action}) if tier.tier == "blind" else tier
        for tier in book.guardrails[0].tiers
    )
    first = book.guardrails[0].model_copy(update={"tiers": tiers})
    book = book.model_copy(update={"guardrails": (first, *book.guardrails[1:])})
    expected = ("tell", "asked-for") if action == "investigate" else ("hold", "asked-for")
    assert words(grafana(), book=book) == [expected]


def test_an_attempt_of_before_there_were_environments_still_does_not_believe_another_one() -> None:
    old = playbook()

    def said(one: Signal) -> list[tuple[str, str]]:
        return words(one, book=believed(one.labels, old, BOOK))

    assert said(signal(environment="staging")) == [("ignore", "other-environment")]
    assert said(signal()) == said(without(signal(), "environment")) == [("act", "limit-broken")]
    assert believed(signal(environment="staging").labels, SHADOW, BOOK) is SHADOW


GIVEN = playbook(arms=OpenArms(label="version"), environment=ENVIRONMENT).with_versions("v44", "v43")


@pytest.mark.parametrize("firing", [True, False])
def test_an_alert_of_the_version_before_that_is_kept_firing_does_nothing_to_this_one(firing: bool) -> None:
    (made,) = decided(signal(firing=firing, arm="canary", version="v43"), book=GIVEN)
    assert (made.verdict.value, made.reason, made.text, made.changes) == (
        "ignore",
        "other-version",
        "the alert is about 'v43', which is not this attempt's canary",
        (),
    )


def test_an_alert_of_this_version_or_of_none_counts() -> None:
    for one in (signal(arm="canary", version="v44"), signal(), signal(version="v43")):
        assert words(one, book=GIVEN) == [("act", "limit-broken")]
    assert words(signal(arm="canary", version="v43"), book=BOOK) == [("act", "limit-broken")]


def test_an_end_that_was_found_by_asking_ends_the_hold_of_a_blind_guardrail_as_a_resolve_does() -> None:
    blind, other = signal(tier="blind"), signal(tier="blind", table="users")
    sources = ((blind, "error-rate/blind"), (other, "error-rate/blind"))
    both = held(*sources).said

    def ended(gone: tuple[LastSaid, ...], why: str) -> bool:
        return SetHold("") in over(ROLLOUT, gone, held(*sources, why=why)).changes

    assert ended(both, "error-rate cannot see")
    assert not ended(both[:1], "error-rate cannot see")
    assert not ended(both, "alice: wait")
    assert not ended(both, "leaks cannot see")
    for_both = held(*sources, why="error-rate cannot see; alice: wait")
    assert SetHold("alice: wait") in over(ROLLOUT, both, for_both).changes
