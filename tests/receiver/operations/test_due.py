"""What time alone brings about in an attempt: each once, whenever it is looked at, and never while anything is uncertain."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook, signal
from guarded.playbook import weights
from handrail.contract import Confirmation, Playbook, StageFacts
from handrail_receiver.decide.alert_series import series_of
from handrail_receiver.decide.decide import decide
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import (
    EVERYBODY,
    FINISHED,
    Attempt,
    AttemptState,
    Conditions,
    Decision,
    Heard,
    History,
    LastSaid,
    LeftToPeople,
    Once,
    Open,
    Run,
    RunState,
    SetHold,
    SetState,
    Verdict,
)
from handrail_receiver.operations.due import due, moment, needs_people, not_enough_data, walks, went_on

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
HISTORY = History(ATTEMPT)


def book(
    tiers: dict[str, dict[str, object]] | None = None, watch_after: float = 0, **stage: object
) -> Playbook:
    first = StageFacts.model_validate({"name": "10%", "weight": 0.1, "bake": 60, **stage})
    last = StageFacts(name="100%", weight=1.0, bake=60)
    return playbook(stages=(first, last), tiers=tiers, watch_after=watch_after)


def after(minutes: float, **more: object) -> Conditions:
    return replace(Conditions(NOW + timedelta(minutes=minutes)), **more)  # type: ignore[arg-type]


def fires(tier: str, minutes: float, *, firing: bool = True) -> LastSaid:
    return LastSaid(tier, f"error-rate/{tier}", firing, NOW + timedelta(minutes=minutes))


ASKS_AGAIN = "error-rate breaks its critical limit; Prometheus is asked again in 0 s before the rollback"


def run_of(action: str, stage: str, state: RunState, ended: datetime) -> Run:
    return Run(1, 7, ROLLOUT, action, stage, 0, state, "alice", "asked", NOW, NOW, NOW, ended, ended)


def said(made: Decision | None) -> tuple[str, str, str, str]:
    assert made is not None
    return made.verdict.value, made.reason, made.action, made.text


@pytest.mark.parametrize(
    ("then", "expected", "changes"),
    [
        (
            "hold",
            ("hold", "deadline", "hold", "; it is held"),
            (
                SetHold(
                    "stage 10% passed its deadline 2026-03-01 05:00:00 UTC, 2 h after it was entered; it is held"
                ),
            ),
        ),
        (
            "rollback",
            ("act", "deadline", "rollback", "; it is rolled back"),
            (
                SetState(AttemptState.rolling_back),
                Open("rollback", "", 0, weights(0, 100), None, NOW + timedelta(hours=2), supersedes=True),
            ),
        ),
        ("page", ("tell", "deadline", EVERYBODY, "; people must look"), ()),
    ],
)
def test_a_stage_that_lasts_longer_than_it_may_comes_to_what_was_declared_once(
    then: str, expected: tuple[str, str, str, str], changes: tuple[object, ...]
) -> None:
    late = book(deadline=7200, at_deadline=then)
    assert due(late, HISTORY, after(119)) is None
    made = due(late, HISTORY, after(120))
    text = "stage 10% passed its deadline 2026-03-01 05:00:00 UTC, 2 h after it was entered"
    assert said(made) == (*expected[:3], text + expected[3])
    assert made is not None
    assert made.changes == (*changes, Once("deadline: 10%"))
    assert due(late, replace(HISTORY, once={"deadline: 10%": NOW}), after(500)) is None


def test_a_deadline_changes_no_hold_and_rolls_back_nothing_while_the_kill_switch_is_set() -> None:
    held = History(replace(ATTEMPT, held="alice: lunch"))
    made = due(book(deadline=7200), held, after(120))
    assert made is not None
    assert (made.verdict, made.changes) == (Verdict.tell, (Once("deadline: 10%"),))
    assert made.text.endswith("; already held: alice: lunch")
    stopped = due(book(deadline=7200, at_deadline="rollback"), HISTORY, after(120, stopped=True))
    assert stopped is not None
    assert (stopped.verdict, stopped.action) == (Verdict.tell, EVERYBODY)
    assert stopped.text.endswith("; the kill switch is set; people must roll back")
    left = LeftToPeople("rollback", stopped.text)
    assert stopped.changes == (SetHold(stopped.text), left, Once("deadline: 10%"))


def test_going_back_at_a_deadline_waits_for_no_heartbeat() -> None:
    late = book(deadline=7200, at_deadline="rollback")
    blind = due(late, HISTORY, after(120, blind="no heartbeat for 5 min"))
    assert blind is not None
    assert (blind, blind.verdict) == (due(late, HISTORY, after(120)), Verdict.act)


WARM = book(warm_up=600, tiers={"error-rate/warning": {"action": "hold"}})


@pytest.mark.parametrize("tier", ["warning", "critical", "blind"])
def test_in_a_warm_up_nothing_but_an_emergency_is_acted_on(tier: str) -> None:
    made = decide(signal("error-rate", tier), WARM, HISTORY, after(9))
    assert (made.verdict, made.reason) == (Verdict.note, "warming-up")
    assert made.text == (
        f"error-rate breaks its {tier} limit; stage 10% warms up until 2026-03-01 03:10:00 UTC, and is judged then"
    )
    assert made.changes == (Heard(series_of(signal("error-rate", tier)), f"error-rate/{tier}", firing=True),)
    assert decide(signal("error-rate", tier), WARM, HISTORY, after(10)).reason != "warming-up"


def test_a_clock_that_is_set_back_makes_no_warm_up_longer() -> None:
    made = decide(signal("error-rate", "critical"), WARM, HISTORY, after(-60))
    assert (made.verdict, made.reason) == (Verdict.act, "limit-broken")


@pytest.mark.parametrize(("guardrail", "tier"), [("error-rate", "emergency"), ("leaks", "critical")])
def test_an_emergency_and_a_security_rollback_wait_for_no_warm_up(guardrail: str, tier: str) -> None:
    made = decide(signal(guardrail, tier), WARM, HISTORY, after(1))
    assert (made.verdict, made.reason) == (Verdict.act, "limit-broken")


def test_what_began_in_a_warm_up_and_still_fires_is_asked_again_when_it_is_over() -> None:
    assert due(WARM, replace(HISTORY, said=(fires("critical", 3),)), after(9)) is None
    held = book(warm_up=600, tiers={"error-rate/blind": {}})
    fired = (fires("critical", 3), fires("blind", 4), fires("warning", 5, firing=False))
    made = due(held, replace(HISTORY, said=fired), after(10))
    tier = held.tier("error-rate", "critical")
    assert tier is not None
    asks = Confirmation(after=0, expr=tier.expr, unreachable="hold")
    assert said(made) == (
        "hold",
        "warmed-up",
        "hold",
        f"stage 10% has warmed up; error-rate cannot see; {ASKS_AGAIN}",
    )
    assert made is not None
    assert made.changes == (
        Once("warmed up: 10%"),
        SetHold("error-rate cannot see", "error-rate/blind"),
        Open(
            "rollback",
            "error-rate/critical",
            0,
            weights(0, 100),
            None,
            NOW + timedelta(minutes=10),
            asks,
            by="alert",
        ),
    )


@pytest.mark.parametrize("warm_up", [0, 600], ids=["judged at once", "warms up as well"])
def test_what_began_while_the_stage_before_warmed_up_is_not_forgotten_when_that_was_left(
    warm_up: float,
) -> None:
    first, last = book(warm_up=600).stages
    early = playbook(stages=(first, last.model_copy(update={"warm_up": warm_up})))
    entered = NOW + timedelta(minutes=5)
    runs = (
        run_of("start", "10%", RunState.done, NOW),
        run_of("promote", "100%", RunState.done, entered),
    )
    in_last = replace(ATTEMPT, stage="100%", stage_entered_at=entered)
    history = History(in_last, runs, said=(fires("critical", 3),))
    over = 5 + warm_up / 60
    assert not warm_up or due(early, history, after(over - 1)) is None
    made = due(early, history, after(over))
    assert said(made)[:3] == ("confirm", "warmed-up", "rollback")
    judged = replace(history, once={"warmed up: 10%": NOW, "warmed up: 100%": NOW})
    assert due(early, judged, after(over)) is None


def test_what_fired_while_the_first_stage_was_entered_belongs_to_its_warm_up() -> None:
    entered = NOW + timedelta(minutes=4)
    runs = (run_of("start", "10%", RunState.done, entered),)
    history = History(replace(ATTEMPT, stage_entered_at=entered), runs, said=(fires("critical", 3),))
    assert due(WARM, history, after(13)) is None
    assert said(due(WARM, history, after(14))) == (
        "confirm",
        "warmed-up",
        "rollback",
        f"stage 10% has warmed up; {ASKS_AGAIN}",
    )


@pytest.mark.parametrize(
    ("history", "now", "steps", "why"),
    [
        (
            replace(HISTORY, automatic_today=3),
            after(10),
            True,
            "3 automatic rollbacks of shop within a day; people must carry out the rollback",
        ),
        (
            HISTORY,
            after(10, stopped=True),
            True,
            "the kill switch is set; people must carry out the rollback",
        ),
        (HISTORY, after(10), False, "the playbook has no steps for rollback; people must act"),
    ],
    ids=["budget spent", "kill switch", "no steps"],
)
def test_after_a_warm_up_people_must_act_where_they_must_at_any_other_time(
    history: History, now: Conditions, *, steps: bool, why: str
) -> None:
    chosen = WARM if steps else playbook(stages=WARM.stages, steps=())
    made = due(chosen, replace(history, said=(fires("critical", 3),)), now)
    assert said(made) == ("tell", "warmed-up", "rollback", f"stage 10% has warmed up; {why}")
    assert made is not None
    left = LeftToPeople("rollback", f"error-rate breaks its critical limit; {why}")
    assert made.changes == (Once("warmed up: 10%"), SetHold(why), left)


def test_a_warm_up_in_which_nothing_stayed_is_over_once_and_says_so() -> None:
    ended = replace(HISTORY, said=(fires("critical", 3, firing=False), fires("critical", -9)))
    made = due(WARM, ended, after(10))
    text = "stage 10% has warmed up; no alert that began in it needs anything more"
    assert said(made) == ("note", "warmed-up", "hold", text)
    assert made is not None
    assert made.changes == (Once("warmed up: 10%"),)
    assert due(WARM, replace(ended, once={"warmed up: 10%": NOW}), after(10)) is None


RESUMES = book({"error-rate/critical": {"action": "hold", "resume_after": 900}})
HELD = replace(ATTEMPT, held="error-rate breaks its critical limit", held_by="error-rate/critical")


def test_a_hold_that_an_alert_asked_for_ends_after_so_long_without_it() -> None:
    quiet = History(HELD, said=(fires("critical", 10, firing=False),))
    assert due(RESUMES, quiet, after(24)) is None
    made = due(RESUMES, quiet, after(25))
    assert said(made) == (
        "note",
        "hold-over",
        "hold",
        "error-rate/critical has not fired for 15 min; it was held: error-rate breaks its critical limit",
    )
    assert made is not None
    assert made.changes == (SetHold(""),)


@pytest.mark.parametrize(
    ("history", "now"),
    [
        (History(HELD, said=(fires("critical", 10),)), after(99)),
        (History(HELD, said=(fires("critical", 10, firing=False), fires("blind", 11))), after(99)),
        (
            History(HELD, said=(fires("critical", 10, firing=False),)),
            after(99, blind="no heartbeat for 900 s"),
        ),
        (History(HELD, said=(fires("critical", 10, firing=False),)), after(99, unheard=True)),
        (History(replace(HELD, held_by=""), said=(fires("critical", 10, firing=False),)), after(99)),
    ],
    ids=["it fires", "it is blind", "the guard is blind", "nobody has asked yet", "a person holds it"],
)
def test_a_hold_stays_while_it_is_not_sure_that_it_is_over(history: History, now: Conditions) -> None:
    assert due(RESUMES, history, now) is None


def test_after_its_last_gate_a_rollout_is_guarded_for_a_while_and_complete_then() -> None:
    watching = History(replace(ATTEMPT, state=AttemptState.finishing, stage="100%"), once={FINISHED: NOW})
    watched = book(watch_after=3600)
    assert due(watched, watching, after(59)) is None
    made = due(watched, watching, after(61))
    assert said(made) == (
        "act",
        "watched",
        "promote",
        "the rollout is complete: it was guarded for 1 h 1 min after its last gate",
    )
    assert made is not None
    assert made.changes == (SetState(AttemptState.complete),)
    assert due(watched, watching, after(61, blind="no heartbeat for 900 s")) is None
    assert due(watched, watching, after(61, unheard=True)) is None
    assert due(watched, replace(watching, said=(fires("warning", 5),)), after(61)) is None
    burns = decide(signal(), watched, watching, after(30))
    assert (burns.verdict, burns.reason) == (Verdict.act, "limit-broken")


def gate(*missing: Requirement) -> GateStatus:
    return GateStatus("100%", "", missing)


UNKNOWN = Requirement("criterion", "errors", met=False, text="errors: unknown: no data", known=False)
BROKEN = Requirement("criterion", "errors", met=False, text="errors: broken")
LEAD = Requirement("approval", "lead", met=False, text="nobody has approved as 'lead'", cure="handrail …")


def test_a_stage_without_enough_data_bakes_on_for_so_long_and_is_held_then() -> None:
    longer = book(prolong=600, advance="when-met")
    at = {minutes: moment(longer, HISTORY, after(minutes)) for minutes in (2, 11)}
    early, late = at[2], at[11]
    assert early is not None
    assert late is not None
    assert not_enough_data(early, gate(UNKNOWN)) is None
    assert not_enough_data(late, gate(UNKNOWN, BROKEN)) is None
    made = not_enough_data(late, gate(UNKNOWN))
    text = "stage 10% has baked 10 min longer, and it still cannot be judged: errors: unknown: no data"
    assert said(made) == ("hold", "not-enough-data", "hold", text)
    assert made is not None
    assert made.changes == (SetHold(text), Once("not enough data: 10%"))


def test_people_are_told_once_when_nothing_but_they_are_missing_and_again_when_an_approval_ends() -> None:
    at = moment(book(advance="when-met"), HISTORY, after(2))
    assert at is not None
    assert needs_people(at, gate(LEAD, UNKNOWN)) is None
    made = needs_people(at, gate(LEAD))
    text = "stage 100% waits only for people: nobody has approved as 'lead' (`handrail …`)"
    assert said(made) == ("tell", "needs-people", "hold", text)
    told = replace(at, history=replace(HISTORY, once={"needs people: 100%": NOW}))
    assert needs_people(told, gate(LEAD)) is None
    ended = replace(LEAD, text="bob's approval does not count: it ended", by="bob", at=NOW)
    again = needs_people(told, gate(ended))
    assert again is not None
    assert "bob's approval does not count: it ended" in again.text
    (once,) = again.changes
    assert isinstance(once, Once)
    assert once.name == f"needs people: 100%: lead, {NOW.isoformat()}"
    heard = replace(told, history=replace(HISTORY, once={**told.history.once, once.name: NOW}))
    assert needs_people(heard, gate(ended)) is None
    by_hand = moment(book(), HISTORY, after(2))
    assert by_hand is not None
    assert needs_people(by_hand, gate(LEAD)) is None


def test_what_stands_against_going_on_is_told_once_for_each_reason() -> None:
    refused = Decision(Verdict.refuse, "not-ready", "the guard is blind", rollout=ROLLOUT, action="promote")
    blind, silent = frozenset({"100%: not-ready"}), frozenset({"100%: Prometheus: unreachable"})
    made = went_on(refused, blind, frozenset(), book())
    assert (made.verdict, made.text) == (
        Verdict.tell,
        "it cannot be promoted automatically: the guard is blind",
    )
    assert made.known == {"causes": ["100%: not-ready"]}
    assert went_on(refused, blind, blind, book()).verdict == Verdict.repeat
    assert went_on(refused, silent, blind, book()).verdict == Verdict.tell


def test_where_nothing_comes_by_itself_nobody_looks() -> None:
    assert not walks(None)
    assert not walks(playbook())
    assert walks(book(advance="when-met"))
    assert walks(book(watch_after=60))
    assert walks(RESUMES)


def test_an_alert_that_asks_to_go_on_is_taken_up_once_where_the_stage_goes_on_by_itself() -> None:
    asks = signal("gate", "promote", action="promote")
    itself = book(advance="when-met")
    made = decide(asks, itself, HISTORY, after(2))
    assert (made.verdict, made.reason, made.changes) == (Verdict.note, "gate-open", (Once("gate open: 10%"),))
    entered = replace(ATTEMPT, stage_entered_at=NOW + timedelta(minutes=1))
    late = decide(asks, itself, History(entered), after(2))
    assert (late.verdict, late.reason, late.changes) == (Verdict.repeat, "not-now", ())
    assert late.text == "it began before stage 10% was entered: it is about the previous gate"
    again = replace(HISTORY, once={"gate open: 10%": NOW})
    assert decide(asks, itself, again, after(2)).verdict == Verdict.repeat
    for other, reason in (
        (decide(asks, book(), HISTORY, after(2)), "by-hand"),
        (decide(asks, itself, History(HELD), after(2)), "not-now"),
        (decide(asks, itself, History(), after(2)), "not-now"),
    ):
        assert (other.verdict, other.reason, other.changes) == (Verdict.repeat, reason, ())
