"""A rollback that was decided leaves an incident, whether the receiver carries it out or people must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from guarded import NOW, ROLLOUT, Guarded, alert, body, guarded, playbook, signal
from handrail.contract import Action, Confirmation, Playbook, StageFacts
from handrail_receiver.catch_up.missed import too_many
from handrail_receiver.decide.decide import decide
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Change,
    Conditions,
    Decision,
    History,
    LastSaid,
    LeftToPeople,
    SetHold,
    Verdict,
)
from handrail_receiver.operations.always_guarded import playbook_gone
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.operations.due import due

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
STOPPED = Conditions(NOW + timedelta(hours=3), stopped=True)
NOW_ON = Conditions(NOW + timedelta(hours=3))
ONLY_TOLD = playbook(actions=tuple(Action(name=name) for name in ("hold", "rollback", "emergency-rollback")))
CRITICAL = signal("error-rate", "critical")
LATE = StageFacts(name="10%", weight=0.1, bake=60, deadline=7200, at_deadline="rollback")
WARM = StageFacts(name="10%", weight=0.1, bake=60, warm_up=600)
FIRES = LastSaid("x", "error-rate/critical", firing=True, at=NOW)


def by_alert(book: Playbook, now: Conditions, history: History | None = None) -> Decision:
    return decide(CRITICAL, book, history or History(ATTEMPT), now)


def by_itself(book: Playbook, now: Conditions, *said: LastSaid) -> Decision:
    made = due(book, History(ATTEMPT, said=said), now)
    assert made is not None
    return made


NO_STEPS = "the playbook has no steps for rollback; people must act"
TO_BE_LEFT = "stage 10% passed its deadline 2026-03-01 05:00:00 UTC, 2 h after it was entered"
LEFT: Mapping[str, tuple[Decision, str, str]] = {
    "the kill switch is set": (
        by_alert(playbook(), STOPPED),
        "rollback",
        "error-rate breaks its critical limit; the kill switch is set; people must carry out the rollback",
    ),
    "the action only tells people": (
        by_alert(ONLY_TOLD, NOW_ON),
        "rollback",
        f"error-rate breaks its critical limit; {NO_STEPS}",
    ),
    "the budget of a day is spent": (
        by_alert(playbook(), NOW_ON, History(ATTEMPT, automatic_today=3)),
        "rollback",
        "error-rate breaks its critical limit; 3 automatic rollbacks of shop within a day; people must carry out the rollback",
    ),
    "the kill switch is set at a deadline": (
        by_itself(playbook(stages=(LATE,)), STOPPED),
        "rollback",
        f"{TO_BE_LEFT}; the kill switch is set; people must roll back",
    ),
    "nothing would roll it back after its warm-up": (
        by_itself(ONLY_TOLD.model_copy(update={"stages": (WARM,)}), NOW_ON, FIRES),
        "rollback",
        f"error-rate breaks its critical limit; {NO_STEPS}",
    ),
}


@pytest.mark.parametrize("why", LEFT)
def test_a_rollback_that_people_must_carry_out_is_told_holds_and_leaves_an_incident(why: str) -> None:
    made, action, trigger = LEFT[why]
    left = [change for change in made.changes if isinstance(change, LeftToPeople)]
    assert (made.verdict, left) == (Verdict.tell, [LeftToPeople(action, trigger)])
    assert any(isinstance(change, SetHold) for change in made.changes)


@pytest.mark.parametrize(
    ("book", "now"),
    [
        (playbook(tiers={"error-rate/critical": {"action": "hold"}}), NOW_ON),
        (playbook(tiers={"error-rate/critical": {"action": "investigate"}}), STOPPED),
        (playbook(tiers={"error-rate/critical": {"shadow": True}}), STOPPED),
    ],
    ids=["a hold", "a look", "a shadow"],
)
def test_what_asks_for_no_rollback_leaves_none(book: Playbook, now: Conditions) -> None:
    changes: tuple[Change, ...] = by_alert(book, now).changes
    assert not [change for change in changes if isinstance(change, LeftToPeople)]


def test_it_is_left_to_people_once_while_it_is_held_for_that() -> None:
    text = "the kill switch is set; people must carry out the rollback"
    again = by_alert(playbook(), STOPPED, History(replace(ATTEMPT, held=text)))
    assert [change for change in again.changes if isinstance(change, LeftToPeople)] == []


BY_ALICE = replace(ATTEMPT, held="alice: the database is moved tonight")


HELD = History(BY_ALICE)
HIDING: Mapping[str, Decision | None] = {
    "the kill switch is set": by_alert(playbook(), STOPPED, HELD),
    "nobody knows the tier": decide(
        signal("error-rate", "purple", action="rollback"), playbook(), HELD, NOW_ON
    ),
    "the kill switch is set at a deadline": due(playbook(stages=(LATE,)), HELD, STOPPED),
    "its playbook is gone": playbook_gone(playbook(), HELD),
    "more fired than can be read": too_many(playbook(), HELD),
    "another person asks for it": decide_call(Call("hold", "bob", "lunch"), playbook(), HELD, NOW_ON),
}


@pytest.mark.parametrize("why", HIDING)
def test_what_people_must_act_on_does_not_hide_who_held_it_and_why(why: str) -> None:
    """Else whoever has acted resumes it, and nobody remembers what it waited for."""
    made = HIDING[why]
    assert made is not None
    (hold,) = [change for change in made.changes if isinstance(change, SetHold)]
    assert hold.why == f"{BY_ALICE.held}; {made.text}"


def test_what_it_is_held_for_beside_a_person_s_hold_is_told_once() -> None:
    text = "the kill switch is set; people must carry out the rollback"
    again = by_alert(playbook(), STOPPED, History(replace(BY_ALICE, held=f"{BY_ALICE.held}; {text}")))
    assert [change for change in again.changes if isinstance(change, SetHold | LeftToPeople)] == []


def opened(shop: Guarded) -> list[tuple[str, str, str, str]]:
    found = shop.ask("GET", "/api/rollouts/shop/incidents", "viewer").json()["incidents"]
    return [(one["action"], one["source"], one["state"], one["trigger"]) for one in found]


def test_under_a_kill_switch_an_incident_is_opened_somebody_has_it_and_their_rollback_is_the_same_one(
    tmp_path: Path,
) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        (tmp_path / "handrail.stop").touch()
        shop.deliver(body(alert("error-rate", "critical")))
        trigger = (
            "error-rate breaks its critical limit; the kill switch is set; people must carry out the rollback"
        )
        servers.until(lambda: bool(opened(shop)), "the incident")
        assert opened(shop) == [("rollback", "error-rate/critical", "open", trigger)]
        shop.call("ack")
        shop.call("rollback", why="by hand")
        shop.until("rollback", "done")
        assert opened(shop) == [("rollback", "error-rate/critical", "acknowledged", trigger)]


def test_what_could_not_be_confirmed_is_left_to_people(tmp_path: Path) -> None:
    asks = Confirmation(after=0, expr="bad == 1", unreachable="hold")
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    with guarded(tmp_path, book) as shop:  # it has no Prometheus
        shop.call("start", anyway=True, why="a test")
        shop.deliver(body(alert("error-rate", "critical")))
        shop.until("rollback", "withdrawn")
        ((action, source, state, trigger),) = opened(shop)
        assert (action, source, state) == ("rollback", "error-rate/critical", "open")
        assert trigger.startswith(
            "error-rate breaks its critical limit; Prometheus is asked again in 0 s before the rollback; could not be"
        )
