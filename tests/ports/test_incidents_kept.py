"""A rollback opens an incident, kept in either store and whole in the evidence, until a person closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail.contract import Confirmation
from handrail_receiver.evidence.impact import ImpactWatch
from handrail_receiver.model import (
    AttemptState,
    BeforeFirst,
    Begin,
    Change,
    Decision,
    Heard,
    History,
    Impact,
    Incident,
    IncidentEvent,
    LeftToPeople,
    NeedsSomebody,
    Note,
    Open,
    Progress,
    RunState,
    SetState,
    Verdict,
)
from handrail_receiver.model.incidents import INCIDENT
from handrail_receiver.outside.prometheus_history import Recorded
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.store.chain import link
from ports.store_cases import by_hand

pytestmark = pytest.mark.anyio
BEGIN = Begin(ROLLOUT, "10%", {}, "", playbook=playbook())
ASKS = Confirmation(after=0, expr="vector(1)", unreachable="hold")


def rolls_back(action: str = "rollback", number: int = 0, **more: object) -> Open:
    return replace(Open(action, "", number, weights(0, 100), None, NOW, supersedes=True), **more)  # type: ignore[arg-type]


async def decided(store: Store, *changes: Change, minutes: float = 0, **more: object) -> History:
    """The history after a decision with these changes; by an alert where `guardrail` and `tier` are given."""
    at = NOW + timedelta(minutes=minutes)

    def decide(history: History) -> Decision:
        attempt = history.attempt.id if history.attempt else 0
        made = Decision(
            Verdict.act, "test", "errors are critical", rollout=ROLLOUT, attempt=attempt, changes=changes
        )
        return replace(made, **more)  # type: ignore[arg-type]

    await store.attempts.apply(ROLLOUT, decide, at)
    return await store.attempts.history(ROLLOUT, at)


def _given(made: Decision, _history: History) -> Decision:
    """What was decided, whatever there is."""
    return made


def said(incident: Incident) -> list[tuple[str, str, str]]:
    return [(one.event.value, one.by, one.text) for one in incident.events]


async def test_a_rollback_opens_one_incident_with_its_trigger_and_what_the_rollout_calls_it(
    store: Store,
) -> None:
    await decided(store, BEGIN)
    history = await decided(store, rolls_back(), guardrail="error-rate", tier="critical", minutes=1)
    (one,) = history.incidents
    assert history.attempt is not None
    assert one == replace(
        one,
        id=f"shop-{history.attempt.id}",
        number=1,
        opened=NOW + timedelta(minutes=1),
        action="rollback",
        trigger="errors are critical",
        by="alert",
        source="error-rate/critical",
        severity="critical",
        stage="10%",
        closed=None,
    )
    again = await decided(store, rolls_back(number=1), minutes=2)
    assert (again.incidents, again.incident) == ((one,), one), "the same once more is no news"


WAKES = NeedsSomebody("investigate", "errors are critical", "P2")


async def test_what_wakes_people_before_the_first_attempt_is_kept_and_is_no_attempt(store: Store) -> None:
    fires = Heard("series", "error-rate/warning", True)
    history = await decided(store, BeforeFirst(ROLLOUT), fires, WAKES, guardrail="error-rate", tier="warning")
    (one,) = history.incidents
    assert (history.attempt, history.row, history.heard("series")) == (None, one.attempt, True)
    assert (one.number, one.action, one.source, one.severity, one.stage) == (
        *(0, "investigate", "error-rate/warning", "P2"),
        "",
    )
    assert await store.archive.attempts(ROLLOUT, 10) == []
    assert await store.past.attempt(ROLLOUT, None) is None
    assert await store.past.within(ROLLOUT, NOW, NOW + timedelta(days=1)) == []
    begun = await decided(store, BEGIN, minutes=1)
    assert begun.attempt is not None
    assert (begun.attempt.number, begun.incidents, begun.incident, begun.said) == (1, (one,), None, ())
    past = await store.past.attempt(ROLLOUT, None)
    assert past is not None
    assert past.before == 0
    ack = Note(one.attempt, IncidentEvent.acknowledged, "on it", {})
    (had,) = (await decided(store, ack, minutes=2, attempt=one.attempt)).incidents
    assert had.had_until == NOW + timedelta(minutes=2)


async def test_another_alert_asks_again_whoever_has_the_incident_and_they_keep_what_they_had(
    store: Store,
) -> None:
    await decided(store, BEGIN)
    (one,) = (await decided(store, WAKES)).incidents
    assert said((await decided(store, WAKES, minutes=1)).incidents[0]) == said(one), "nobody has it yet"
    ack = Note(one.attempt, IncidentEvent.acknowledged, "on it", {})
    await decided(store, ack, minutes=2)
    disk = NeedsSomebody("investigate", "the disk is full", "P2")
    (again,) = (await decided(store, disk, minutes=3)).incidents
    assert (again.events[-1].event, again.events[-1].text) == (IncidentEvent.more, "the disk is full")
    assert (again.acknowledged, again.asked, again.late) == (None, NOW + timedelta(minutes=3), ())
    assert again.had_until == NOW + timedelta(minutes=2)


async def test_what_waits_to_be_confirmed_opens_none_until_it_is(store: Store) -> None:
    asks = rolls_back(key="error-rate/critical", confirmation=ASKS, supersedes=False)
    assert (await decided(store, BEGIN, asks)).incidents == ()
    (run,) = await store.runs.lease("us", NOW, timedelta(minutes=1))
    progress = Progress(RunState.open, "confirmed", attempt_state=AttemptState.rolling_back)
    await store.runs.record(run, progress, NOW)
    (one,) = await store.incidents.open()
    assert (one.source, one.trigger, one.severity) == (
        "error-rate/critical",
        "errors are critical",
        "critical",
    )


async def test_an_event_of_a_newer_receiver_is_skipped_and_keeps_no_rollback_from_being_decided(
    store: Store,
) -> None:
    await decided(store, BEGIN)
    (one,) = (await decided(store, WAKES)).incidents
    newer = {"event": "newer", "incident": one.id, "attempt": one.attempt, "by": "", "text": ""}
    await store.evidence.append(ROLLOUT, "incident", newer, NOW)
    (known,) = (await decided(store, rolls_back(), by="alice", minutes=1)).incidents
    assert [event for event, _, _ in said(known)] == ["opened", "graver"]


async def test_what_is_left_to_people_opens_one_and_the_rollback_that_follows_is_the_same(
    store: Store,
) -> None:
    await decided(store, BEGIN)
    left = LeftToPeople("rollback", "errors are critical; the kill switch is set")
    (one,) = (await decided(store, left, guardrail="error-rate", tier="critical")).incidents
    assert (one.action, one.trigger, one.source, one.severity, one.stage) == (
        "rollback",
        "errors are critical; the kill switch is set",
        "error-rate/critical",
        "critical",
        "10%",
    )
    assert (await decided(store, rolls_back(), by="alice", minutes=1)).incidents == (one,)
    (graver,) = (await decided(store, replace(left, action="emergency-rollback"), minutes=2)).incidents
    assert (graver.id, graver.action) == (one.id, "emergency-rollback")
    await decided(store, Note(one.attempt, IncidentEvent.closed, "over"), by="alice", minutes=3)
    (again,) = (await decided(store, left, minutes=4)).incidents
    assert [event for event, _, _ in said(again)] == ["opened", "graver", "closed", "reopened"]


async def test_what_could_not_be_confirmed_opens_one(store: Store) -> None:
    asks = rolls_back(key="error-rate/critical", confirmation=ASKS, supersedes=False)
    await decided(store, BEGIN, asks)
    (run,) = await store.runs.lease("us", NOW, timedelta(minutes=1))
    text = "could not be confirmed (no answer); people must look"
    await store.runs.record(
        run, Progress(RunState.withdrawn, text, finished_at=NOW, hold=text, left=True), NOW
    )
    (one,) = await store.incidents.open()
    assert (one.source, one.trigger) == ("error-rate/critical", f"errors are critical; {text}")


async def test_what_is_graver_or_fails_asks_those_again_who_have_acknowledged_it(store: Store) -> None:
    history = await decided(store, BEGIN, rolls_back())
    (one,) = history.incidents
    ack = Note(one.attempt, IncidentEvent.acknowledged, "on it")
    (one,) = (await decided(store, ack, by="alice", minutes=3)).incidents
    assert one.acknowledged is not None
    assert (one.acknowledged.by, one.acknowledged.after) == ("alice", timedelta(minutes=3))
    (one,) = (await decided(store, rolls_back("emergency-rollback"), by="bob", minutes=4)).incidents
    assert (one.action, one.severity, one.acknowledged, one.stays_open) == (
        "emergency-rollback",
        "emergency",
        None,
        True,
    )
    run = (await store.runs.lease("us", NOW + timedelta(hours=1), timedelta(minutes=1)))[-1]
    failed = Progress(RunState.failed, "no weight was set", finished_at=NOW)
    await store.runs.record(run, failed, NOW + timedelta(minutes=5))
    (one,) = await store.incidents.open()
    assert said(one)[-1] == ("failed", "handrail", "emergency-rollback failed: no weight was set")


async def test_an_incident_is_open_until_it_is_closed_whatever_attempt_begins_meanwhile(store: Store) -> None:
    first = await decided(store, BEGIN, rolls_back("security-rollback"))
    assert first.attempt is not None
    later = await decided(store, BEGIN, minutes=1)
    assert [one.attempt for one in later.incidents] == [first.attempt.id]
    assert later.incident is None
    assert later.security_incident == later.incidents[0]
    closes = Note(first.attempt.id, IncidentEvent.closed, "the token is revoked", {"cause": "a leak"})
    assert (await decided(store, closes, by="alice", minutes=2)).incidents == ()
    (one,) = await store.incidents.of(ROLLOUT)
    assert one.closed is not None
    assert (one.closed.by, one.closed.why, dict(one.notes)) == (
        "alice",
        "the token is revoked",
        {"cause": "a leak"},
    )
    assert await store.incidents.open() == []


async def test_another_rollback_of_a_closed_one_opens_it_again(store: Store) -> None:
    first = await decided(store, BEGIN, rolls_back())
    assert first.attempt is not None
    await decided(store, Note(first.attempt.id, IncidentEvent.closed, "over"), by="alice")
    (one,) = (await decided(store, rolls_back(number=1), minutes=9)).incidents
    assert (one.closed, one.opened, one.asked) == (None, NOW, NOW + timedelta(minutes=9))


async def test_incidents_of_a_time_are_those_that_were_opened_in_it(store: Store) -> None:
    for minutes in (0, 60, 120):
        await decided(store, BEGIN, rolls_back(), minutes=minutes)
    some = await store.incidents.between(NOW, NOW + timedelta(minutes=61))
    assert [(one.number, one.opened) for one in some] == [(1, NOW), (2, NOW + timedelta(hours=1))]
    assert [one.number for one in await store.incidents.of(ROLLOUT)] == [3, 2, 1]


async def test_an_incident_of_before_whose_beginning_the_evidence_does_not_tell_is_open_all_the_same(
    store: Store, url: str
) -> None:
    history = await decided(store, BEGIN, rolls_back("security-rollback", confirmation=ASKS))
    assert history.attempt is not None
    attempt = history.attempt.id
    by_hand(url, "UPDATE run SET state = 'done'")
    by_hand(
        url, "INSERT INTO incident (attempt, rollout, opened_at) SELECT id, rollout, started_at FROM attempt"
    )
    (one,) = await store.incidents.open()
    assert (one.id, one.action, one.trigger) == (
        f"shop-{attempt}",
        "security-rollback",
        "errors are critical",
    )
    ack = Note(attempt, IncidentEvent.acknowledged, "")
    (one,) = (await decided(store, ack, by="bob", minutes=1)).incidents
    assert one.acknowledged is not None
    assert one.acknowledged.after == timedelta(minutes=1)


async def test_what_wakes_people_opens_one_that_a_rollback_makes_graver(store: Store) -> None:
    await decided(store, BEGIN)
    wakes = NeedsSomebody("investigate", "error-rate breaks its warning limit", "warning")
    (one,) = (await decided(store, wakes, guardrail="error-rate", tier="warning")).incidents
    assert (one.action, one.trigger, one.source, one.severity, one.stage) == (
        "investigate",
        "error-rate breaks its warning limit",
        "error-rate/warning",
        "warning",
        "10%",
    )
    assert (await decided(store, wakes, minutes=1)).incidents == (one,)
    await decided(store, Note(one.attempt, IncidentEvent.acknowledged, ""), by="alice", minutes=2)
    graver = await decided(store, rolls_back(), guardrail="error-rate", tier="critical", minutes=3)
    (again,) = graver.incidents
    assert (again.action, again.acknowledged) == ("rollback", None)
    assert [event for event, _, _ in said(again)] == ["opened", "acknowledged", "graver"]


async def test_an_incident_that_was_closed_at_once_gets_its_impact_all_the_same_and_once(
    store: Store,
) -> None:
    history = await decided(store, BEGIN, rolls_back(), SetState(AttemptState.abandoned))
    (one,) = history.incidents
    closes = Note(one.attempt, IncidentEvent.closed, "it was for nothing", {"false_rollback": True})
    await decided(store, closes, by="alice", minutes=1)
    now = NOW + timedelta(minutes=2)
    watch = ImpactWatch(
        store,
        cast("Playbooks", {}),
        cast("Recorded", None),
        cast("Clock", SimpleNamespace(now=lambda: now)),
    )
    await watch.step()
    await watch.step()
    again = Note(one.attempt, IncidentEvent.impact, "by another receiver", Impact().said())
    await decided(store, again, minutes=3)
    (one,) = await store.incidents.of(ROLLOUT)
    assert [event for event, _, _ in said(one)] == ["opened", "closed", "impact"]
    assert one.closed is not None
    assert one.impact is not None
    assert one.impact.unknown["ended"] == "no rollback of attempt 1 got through; it is abandoned"
    assert await store.incidents.open_since(NOW + timedelta(minutes=2)) == []


async def test_an_incident_that_cannot_be_read_keeps_no_other_rollout_back(store: Store) -> None:
    for rollout in (ROLLOUT, "other"):
        begin = replace(BEGIN, playbook=playbook(rollout=rollout))
        made = Decision(
            Verdict.act, "test", "errors", rollout=rollout, changes=(begin, rolls_back()), by="alert"
        )
        await store.attempts.apply(rollout, partial(_given, made), NOW)
    odd = {"event": "late", "attempt": 1, "by": "alice", "text": ""}
    await store.engine.write(lambda tx: link(tx, ROLLOUT, INCIDENT, odd, NOW))
    assert [one.rollout for one in await store.incidents.open()] == ["other"]
    assert [one.rollout for one in await store.incidents.open_since(NOW)] == ["other"]
    assert [one.rollout for one in await store.incidents.between(NOW, NOW + timedelta(days=1))] == ["other"]
    with pytest.raises(KeyError, match="within"):
        await store.incidents.of(ROLLOUT)
