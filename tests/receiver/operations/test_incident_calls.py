"""Calls about an incident: acknowledge, note, close; and which are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from guarded import NOW, ROLLOUT, alert, body, guarded, playbook
from handrail.contract import Acknowledge, names
from handrail_receiver.model import (
    Acknowledged,
    Attempt,
    AttemptState,
    Conditions,
    Decision,
    Happened,
    History,
    Incident,
    IncidentEvent,
    LastSaid,
    Note,
    Verdict,
)
from handrail_receiver.model.incidents import after_event
from handrail_receiver.operations.call import Call, IncidentWords
from handrail_receiver.operations.call_decision import decide_call
from servers import until

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.rolled_back, "10%", NOW, NOW, "alice")
ONE = Incident("shop-7", ROLLOUT, 7, 2, NOW, NOW, "rollback", "errors are critical", "alert")
GRAVE = replace(ONE, action="security-rollback", trigger="leaks is critical")
OTHER = replace(ONE, id="shop-5", attempt=5, number=1)
BOOK = playbook(
    acknowledge=(Acknowledge(within=300, who="the lead"), Acknowledge(within=900, who="the director"))
)


def history(*incidents: Incident, state: AttemptState = AttemptState.rolled_back) -> History:
    return History(replace(ATTEMPT, state=state), incidents=incidents)


def decided(verb: str, known: History, why: str = "", minutes: float = 7, **words: object) -> Decision:
    about = IncidentWords(**words)  # type: ignore[arg-type]
    call = Call(verb, "alice", why, about=about)
    return decide_call(call, BOOK, known, Conditions(NOW + timedelta(minutes=minutes)))


def test_whoever_acknowledges_has_it_and_how_late_that_was_is_kept() -> None:
    made = decided("ack", history(ONE), "on it")
    assert (made.verdict, made.reason, made.attempt) == (Verdict.note, "acknowledged", 7)
    assert made.text == "alice acknowledged shop-7 after 7 min, 2 min late: on it"
    late = {"after": 420.0, "late": 120.0}
    assert made.changes == (Note(7, IncidentEvent.acknowledged, "on it", late),)
    early = decided("ack", history(ONE), minutes=2)
    assert early.changes == (Note(7, IncidentEvent.acknowledged, "", {"after": 120.0}),)


@pytest.mark.parametrize(
    ("firing", "minutes", "reason"),
    [(True, 3, "acknowledged"), (True, 1, "acknowledged-already"), (False, 3, "acknowledged-already")],
    ids=["it began after", "it began before", "it began after and is over"],
)
def test_what_begins_after_an_acknowledgement_is_acknowledged_as_well(
    firing: bool, minutes: int, reason: str
) -> None:
    had = replace(ONE, acknowledged=Acknowledged(NOW + timedelta(minutes=2), "bob", timedelta(minutes=2)))
    more = LastSaid("another", "disk/critical", firing, NOW + timedelta(minutes=minutes))
    assert decided("ack", replace(history(had), said=(more,))).reason == reason


def test_what_is_found_out_is_noted_field_by_field() -> None:
    made = decided("note", history(ONE), notes={"cause": "pool too small"}, false_rollback=False)
    assert made.text == "alice noted of shop-7: cause: pool too small; false rollback: no"
    said = {"cause": "pool too small", "false_rollback": False}
    assert made.changes == (Note(7, IncidentEvent.noted, "", said),)


def test_a_person_closes_it_with_a_reason_and_a_grave_one_with_its_cause() -> None:
    made = decided("close", history(ONE), "traffic is back")
    assert (made.verdict, made.reason, made.text) == (
        Verdict.act,
        "closed",
        "alice closed shop-7: traffic is back",
    )
    assert made.changes == (Note(7, IncidentEvent.closed, "traffic is back", {}),)
    grave = decided("close", history(GRAVE), "over", notes={"cause": "a leaked token"})
    assert grave.changes == (Note(7, IncidentEvent.closed, "over", {"cause": "a leaked token"}),)
    assert decided("close", history(GRAVE), "over", false_rollback=True).verdict == Verdict.act
    assert decided("close", history(replace(GRAVE, notes={"cause": "x"})), "over").verdict == Verdict.act


NO_CAUSE = (
    "shop-7 is of a security-rollback, and has no cause yet; say --cause, or `note` one before;"
    " or --false-rollback yes if it was a false alarm"
)
HAD = replace(ONE, acknowledged=Acknowledged(NOW, "bob", timedelta()))


@pytest.mark.parametrize(
    ("verb", "known", "words", "reason", "text"),
    [
        (
            "ack",
            history(),
            {},
            "no-incident",
            "no incident of shop is open; only a rollback, an emergency or an alert that escalates opens one; to quiet an alert, silence it in Alertmanager",
        ),
        ("ack", History(), {}, "no-incident", ""),
        (
            "ack",
            history(HAD),
            {},
            "acknowledged-already",
            "bob has acknowledged shop-7 already, at 2026-03-01 03:00:00 UTC",
        ),
        (
            "ack",
            history(OTHER, ONE),
            {},
            "which-incident",
            "several incidents of shop are open (shop-5, shop-7); say which with --incident",
        ),
        (
            "note",
            history(ONE),
            {"id": "shop-5", "why": "late"},
            "no-incident",
            "shop-5 is not an open incident of shop; open: shop-7; `handrail rollout incident shop` has all",
        ),
        ("note", history(ONE), {}, "nothing-said", ""),
        ("close", history(ONE), {}, "no-reason", "say why with --why: what was found, and why it is over"),
        (
            "close",
            history(GRAVE),
            {"why": "over"},
            "no-cause",
            NO_CAUSE,
        ),
        (
            "close",
            history(ONE, state=AttemptState.rolling_back),
            {"why": "over"},
            "not-over",
            "attempt 2 is rolling-back; close shop-7 once it is rolled back, or abandoned",
        ),
    ],
)
def test_what_cannot_be_said_of_an_incident_is_refused_with_the_reason(
    verb: str, known: History, words: dict[str, str], reason: str, text: str
) -> None:
    made = decided(verb, known, **words)  # type: ignore[arg-type]
    assert (made.verdict, made.reason, made.changes) == (Verdict.refuse, reason, ())
    assert text in {"", made.text}


def test_one_of_several_is_named() -> None:
    assert decided("ack", history(OTHER, ONE), id="shop-5").attempt == 5


def test_after_a_security_rollback_nothing_begins_until_a_person_closes_the_incident() -> None:
    for sure in (False, True):
        call = Call("start", "alice", "now", anyway=sure)
        made = decide_call(call, BOOK, history(GRAVE), Conditions(NOW))
        assert (made.verdict, made.reason) == (Verdict.refuse, "incident-open")
        assert made.text == (
            "it was rolled back for security (leaks is critical), and shop-7 is open; "
            '`handrail rollout close shop --cause "…" --why "…"` once it is over'
        )
    assert decide_call(Call("start", "alice"), BOOK, history(ONE), Conditions(NOW)).verdict == Verdict.act


def test_a_security_incident_stays_open_over_restarts_and_further_attempts(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        shop.deliver(body(alert("leaks", "critical")))
        shop.until("security-rollback", "done")
    with guarded(tmp_path) as shop:
        assert shop.call("start")["reason"] == "incident-open"
        shop.call("abandon", why="moved")
        assert shop.call("start", anyway=True, why="now")["reason"] == "incident-open"
        closed = shop.call("close", why="over", cause="a token was in the log")
        assert closed["reason"] == "closed"
        assert shop.call("start", anyway=True, why="the alert is older")["reason"] == "asked-for"


def test_an_alert_that_only_asks_to_look_can_be_acknowledged_and_the_rules_read_since_when(
    tmp_path: Path,
) -> None:
    book = playbook(environment="production", tiers={"error-rate/warning": {"opens_incident": True}})
    with guarded(tmp_path, book) as shop:
        shop.call("start")
        assert shop.call("ack")["reason"] == "no-incident"
        shop.deliver(body(alert("error-rate", "warning")))
        until(
            lambda: shop.metric("handrail_incidents_open") == {'{rollout="shop"}': 1},
            "an incident to be open",
        )
        assert shop.call("ack")["reason"] == "acknowledged"
        assert list(shop.metric(names.ACKNOWLEDGED_METRIC)) == ['{rollout="shop"}']


def test_before_the_first_attempt_it_is_acknowledged_and_what_begins_later_asks_for_it_again(
    tmp_path: Path,
) -> None:
    tiers = {"error-rate/warning": {"opens_incident": True}, "error-rate/blind": {"opens_incident": True}}
    book = playbook(environment="production", tiers=tiers)
    with guarded(tmp_path, book) as shop:

        def listed() -> list[tuple[int, str]]:
            found = shop.ask("GET", "/api/rollouts/shop/incidents", "viewer").json()["incidents"]
            return [(one["attempt"], one["state"]) for one in found]

        def button() -> bool:
            return "Acknowledge the incident" in shop.ask("GET", "/rollouts/shop").text

        assert not button()
        shop.deliver(body(alert("error-rate", "warning")))
        until(lambda: listed() == [(0, "open")], "an incident before the first attempt")
        assert button()
        assert shop.call("ack")["reason"] == "acknowledged"
        assert (listed(), button()) == ([(0, "acknowledged")], False)
        first = shop.metric(names.ACKNOWLEDGED_METRIC)
        assert list(first) == ['{rollout="shop"}']
        shop.deliver(body(alert("error-rate", "blind")))
        until(lambda: listed() == [(0, "open")], "the incident to ask again")
        assert (button(), shop.metric(names.ACKNOWLEDGED_METRIC)) == (True, first)
        assert shop.call("ack")["reason"] == "acknowledged"
        assert shop.call("start", anyway=True, why="it is known")["verdict"] == "act"
        assert listed() == [(0, "acknowledged")]


def test_a_note_that_is_sent_twice_stands_there_once() -> None:
    about = {"cause": "pool too small", "follow_up": "alert on it"}
    first = decided("note", history(ONE), "the pool was full", notes=about, false_rollback=False)
    (note,) = first.changes
    assert isinstance(note, Note)
    happened = Happened(NOW, note.event, "alice", note.text, note.said)
    noted = history(after_event(ONE, happened))
    again = decided("note", noted, "the pool was full", notes=about, false_rollback=False)
    assert (again.verdict, again.reason, again.text) == (
        Verdict.refuse,
        "noted-already",
        "shop-7 has all of that already",
    )
    more = decided("note", noted, notes={**about, "fix": "pool of 50"}, false_rollback=True)
    (added,) = more.changes
    assert isinstance(added, Note)
    assert added.said == {"fix": "pool of 50", "false_rollback": True}
