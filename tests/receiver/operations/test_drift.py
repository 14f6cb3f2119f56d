"""Drift after a rollback: a change of a target is detected, undone where declared, and reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from apis import Inbox
from guarded import NOW, ROLLOUT, Guarded, guarded, playbook
from guarded.playbook import weights
from guarded.scraped import scraped
from handrail.contract import Playbook, Proof, Step, Tell, Webhook
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Conditions,
    Effect,
    EffectState,
    History,
    Open,
    Run,
    RunState,
    SetHold,
    SetState,
    Verdict,
)
from handrail_receiver.operations.drift import (
    TargetStates,
    changed,
    failed_steps,
    kept_steps,
    last_reminder,
    unfinished,
)
from one_target import OTHER_MEANS, OTHER_VALUE

CANARY, STABLE = weights(0, 100)
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.rolled_back, "10%", NOW, NOW, "alice")
EFFECTS = (Effect(0, CANARY, EffectState.done), Effect(1, STABLE, EffectState.already))
BACK = TargetStates(((CANARY, "weight 10"),))
TEXT = "changed after the rollback: HAProxy web/canary on unix:haproxy.sock: weight 0: weight 10"


def run(number: int = 0, by: str = "alert", seconds: int = 0, action: str = "rollback") -> Run:
    end = NOW + timedelta(seconds=seconds)
    return Run(
        number, 7, ROLLOUT, action, "", number, RunState.done, by, "why", NOW, NOW, NOW, effects=EFFECTS,
        finished_at=end,
    )  # fmt: skip


def at(seconds: float, *, stopped: bool = False) -> Conditions:
    return Conditions(NOW + timedelta(seconds=seconds), stopped=stopped)


HISTORY = History(ATTEMPT, (run(),))
KEPT = playbook(keep=3600)


def test_what_is_declared_to_be_kept_is_put_back_with_its_proof() -> None:
    made = changed(KEPT, HISTORY, BACK, at(60))
    assert (made.verdict, made.reason, made.by) == (Verdict.act, "changed", "handrail")
    assert made.text == f"{TEXT}; it is put back"
    assert made.changes == (
        SetState(AttemptState.rolling_back),
        SetHold(""),
        Open("rollback", "", 1, (CANARY, STABLE), None, NOW + timedelta(seconds=60), supersedes=True),
    )


def test_who_keeps_changing_it_is_answered_after_pauses_that_grow() -> None:
    often = History(ATTEMPT, (run(), run(1, "handrail", 10), run(2, "handrail", 20)))
    assert changed(KEPT, often, BACK, at(23)).verdict == Verdict.repeat
    assert changed(KEPT, often, BACK, at(24)).text == f"{TEXT}; it is put back (time 3)"
    many = History(ATTEMPT, tuple(run(number, "handrail", number) for number in range(9)))
    assert changed(KEPT, many, BACK, at(67)).verdict == Verdict.repeat
    assert changed(KEPT, many, BACK, at(68)).verdict == Verdict.act


@pytest.mark.parametrize(
    ("book", "now"),
    [(playbook(), at(60)), (KEPT, at(3600)), (KEPT, at(60, stopped=True))],
    ids=["nothing is declared", "its time is over", "the kill switch is set"],
)
def test_otherwise_people_are_told_once_and_when_it_is_so_again(book: Playbook, now: Conditions) -> None:
    made = changed(book, HISTORY, BACK, now)
    assert (made.verdict, made.text) == (
        Verdict.tell,
        f"{TEXT}; people must look, or `rollback` puts it back",
    )
    assert made.changes == (SetHold(TEXT),)
    told = History(replace(ATTEMPT, held=TEXT), (run(),))
    assert changed(book, told, BACK, now).verdict == Verdict.repeat
    assert changed(book, told, TargetStates(()), now).changes == (SetHold(""),)
    assert changed(book, told, TargetStates((), ("lb1 does not answer",)), now).verdict == Verdict.repeat
    assert changed(book, HISTORY, TargetStates(()), now).verdict == Verdict.repeat


def test_nothing_follows_for_an_attempt_that_is_not_rolled_back() -> None:
    for state in set(AttemptState) - {AttemptState.rolled_back}:
        history = History(replace(ATTEMPT, state=state), (run(),))
        assert changed(KEPT, history, BACK, at(60)).verdict == Verdict.repeat


def test_the_strongest_rollback_says_what_a_target_should_hold() -> None:
    (other,) = weights(1, 99)[:1]
    stronger = replace(run(1, action="emergency-rollback"), effects=(Effect(0, other, EffectState.done),))
    assert kept_steps(History(ATTEMPT, (run(), stronger))) == (other, STABLE)
    failed = replace(run(), effects=(Effect(0, CANARY, EffectState.failed), EFFECTS[1]))
    assert kept_steps(History(ATTEMPT, (failed,))) == (STABLE,)


@pytest.mark.parametrize(("strong", "weak"), OTHER_VALUE)
def test_of_one_target_the_stronger_rollback_s_value_alone_is_watched(strong: Step, weak: Step) -> None:
    weaker = replace(run(), effects=(Effect(0, weak, EffectState.done),))
    stronger = replace(run(1, action="emergency-rollback"), effects=(Effect(0, strong, EffectState.done),))
    assert kept_steps(History(ATTEMPT, (weaker, stronger))) == (strong,)
    failed = replace(stronger, effects=(Effect(0, strong, EffectState.failed),))
    history = History(ATTEMPT, (weaker, failed))
    assert (kept_steps(history), failed_steps(history)) == ((), (strong,))


@pytest.mark.parametrize(("strong", "weak"), OTHER_MEANS)
def test_what_a_weaker_rollback_brought_about_stays_watched_where_the_stronger_one_failed_to(
    strong: Step, weak: Step
) -> None:
    weaker = replace(run(), effects=(Effect(0, weak, EffectState.done),))
    failed = replace(run(1, action="emergency-rollback"), effects=(Effect(0, strong, EffectState.failed),))
    history = History(ATTEMPT, (weaker, failed))
    assert (kept_steps(history), failed_steps(history)) == ((weak,), ())


PROOF = Proof(expr="canary_requests", at_most=0, within=60)
UNPROVED = replace(run(), state=RunState.unproved, text="the arm still has 5, more than 0", proof=PROOF)
HELD = "rollback unproved: the arm still has 5, more than 0"
ROLLING = replace(ATTEMPT, state=AttemptState.rolling_back, held=HELD)
BROKEN = History(ROLLING, (UNPROVED,))


def test_a_rollback_that_could_not_be_proved_is_proved_once_all_of_it_is_so() -> None:
    made = unfinished(playbook(), BROKEN, TargetStates(()), at(90))
    assert (made.verdict, made.reason, made.by) == (Verdict.act, "unfinished", "handrail")
    assert made.text == "rollback: every target now reads back its value; it is proved once more"
    assert made.changes == (
        SetState(AttemptState.rolling_back),
        SetHold(""),
        Open("rollback", "", 1, (CANARY, STABLE), PROOF, NOW + timedelta(seconds=90), supersedes=True),
    )


@pytest.mark.parametrize(
    "states",
    [
        TargetStates((), unproved=True),
        TargetStates((), unread=("lb1 does not answer",)),
        TargetStates((), missing=((CANARY, "weight 10"),)),
    ],
    ids=["traffic", "a target that does not answer", "a step that failed"],
)
def test_until_then_people_are_told_again_at_a_pace_that_slows_down(states: TargetStates) -> None:
    assert unfinished(playbook(), BROKEN, states, at(299)).verdict == Verdict.repeat
    made = unfinished(playbook(), BROKEN, states, at(300))
    text = f"{HELD}; still so 5 min later"
    cure = "people must act: `handrail rollout rollback shop` once its targets are fixed"
    assert (made.verdict, made.action, made.text) == (Verdict.tell, "emergency-rollback", f"{text}; {cure}")
    assert made.changes == (SetHold(text),)
    reminded = replace(BROKEN, attempt=replace(ROLLING, held=text))
    assert unfinished(playbook(), reminded, states, at(599)).verdict == Verdict.repeat
    assert unfinished(playbook(), reminded, states, at(600)).changes == (
        SetHold(f"{HELD}; still so 10 min later"),
    )
    marks = [
        last_reminder(timedelta(minutes=minutes)) // timedelta(minutes=1)
        for minutes in (4, 5, 39, 59, 60, 179)
    ]
    assert marks == [0, 5, 20, 40, 60, 120]


def test_what_changes_under_a_rollback_that_is_not_proved_is_told_at_once_or_put_back() -> None:
    made = unfinished(playbook(), BROKEN, BACK, at(60))
    assert (made.verdict, made.changes) == (Verdict.tell, (SetHold(f"{HELD}; {TEXT}"),))
    kept = unfinished(KEPT, BROKEN, BACK, at(60))
    assert (kept.verdict, kept.text) == (Verdict.act, f"{HELD}; {TEXT}; it is put back")


@pytest.mark.parametrize(
    ("history", "now"),
    [
        (replace(BROKEN, runs=(UNPROVED, replace(run(1), state=RunState.proving))), at(400)),
        (replace(BROKEN, runs=(run(),)), at(400)),
        (replace(BROKEN, attempt=replace(ROLLING, state=AttemptState.abandoned)), at(400)),
        (History(), at(400)),
        (BROKEN, at(90, stopped=True)),
    ],
    ids=["something is carried out", "it worked", "it was abandoned", "no attempt", "the kill switch is set"],
)
def test_nothing_follows_where_nothing_is_unfinished(history: History, now: Conditions) -> None:
    assert unfinished(playbook(), history, TargetStates(()), now).verdict == Verdict.repeat


def test_a_step_that_failed_counts_where_no_stronger_rollback_decides_about_its_target() -> None:
    failed = replace(
        run(), effects=(Effect(0, CANARY, EffectState.failed), Effect(1, STABLE, EffectState.skipped))
    )
    assert failed_steps(History(ROLLING, (failed,))) == (CANARY, STABLE)
    stronger = replace(run(1, action="emergency-rollback"), effects=(EFFECTS[0],))
    assert failed_steps(History(ROLLING, (failed, stronger))) == (STABLE,)


def test_a_proof_that_comes_late_is_recorded_and_people_hear_of_it(tmp_path: Path, inbox: Inbox) -> None:
    book = told_by(inbox)
    proof = Proof(expr="canary_requests", at_most=0, within=1)
    acting = tuple(one.model_copy(update={"proof": proof}) if one.steps else one for one in book.actions)
    with (
        scraped(tmp_path, canary_requests=5) as application,
        guarded(tmp_path, playbook(actions=acting), PROMETHEUS=application.url) as shop,
    ):
        shop.call("start", anyway=True, why="a test")
        shop.deliver()
        shop.until("rollback", "unproved")
        assert shop.status()["attempt"]["state"] == "rolling-back"
        application.values["canary_requests"] = 0
        shop.until("rollback", "proved")
        attempt = shop.status()["attempt"]
        assert (attempt["state"], attempt["held"], shop.weights()) == ("rolled-back", "", (0, 100))
        said = "every target now reads back its value; it is proved once more"
        servers.until(lambda: any(said in str(one.json) for one in inbox.requests), "people to be told")


def told_by(inbox: Inbox) -> Playbook:
    """A playbook whose people are reached at `inbox`."""
    tell = (Tell(Webhook(inbox.url)),)
    actions = tuple(action.model_copy(update={"tell": tell}) for action in playbook().actions)
    return playbook(actions=actions)


@pytest.fixture(name="inbox")
def _inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


def undone(shop: Guarded) -> None:
    """The balancer is reloaded after the rollback: the canary has its share again."""
    shop.call("start")
    shop.deliver()
    shop.until("rollback", "done")
    servers.ask_haproxy(shop.folder / "haproxy.sock", "set weight web/canary 10")


def test_a_balancer_that_was_reloaded_is_put_back_where_that_is_declared(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(keep=3600)) as shop:
        undone(shop)
        servers.until(lambda: shop.weights() == (0, 100), "the canary to be out again")
        shop.until("rollback", "done")
        assert shop.runs()[1:] == [("rollback", "done"), ("rollback", "done")]


def test_a_balancer_that_was_reloaded_is_told_and_left_alone_where_nothing_is_declared(
    tmp_path: Path, inbox: Inbox
) -> None:
    with guarded(tmp_path, told_by(inbox)) as shop:
        undone(shop)
        said = "changed after the rollback: HAProxy web/canary"
        servers.until(lambda: said in shop.status()["attempt"]["held"], "it to be seen")
        servers.until(
            lambda: any(said in str(request.json) for request in inbox.requests), "people to be told"
        )
        assert shop.weights() == (10, 100)
        assert "changed since" in shop.ask("GET", f"/rollouts/{ROLLOUT}", "viewer").text
        assert shop.call("rollback", why="put it back")["outcome"] == "done"
        assert shop.weights() == (0, 100)
        servers.until(lambda: shop.status()["attempt"]["held"] == "", "it to be so again")
