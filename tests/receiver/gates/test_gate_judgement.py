"""How a gate stands: what is met, what is missing and why, and which approvals count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail.contract import Approval, Criterion, Gate
from handrail_receiver.gates.gate import (
    Approver,
    CriterionResult,
    FiringTiers,
    GateCase,
    GateInputs,
    judge,
    next_gate,
)
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import Approved, Attempt, AttemptState, Checked, History, LastSaid

DAY = timedelta(days=1)
CRITERION = Criterion(guardrail="error-rate", text="below 0.5 %", expr="errors >= 0.005", seen="errors")
LEAD = Approval(role="lead", valid_for=3600, four_eyes=True)
QUESTION = "Is it quiet?"
GATE = Gate(into="50%", criteria=(CRITERION,), manual=(QUESTION,), approvals=(LEAD,), stable_for=86400)
BOOK = playbook(gates=(GATE,), tiers={"leaks/critical": {"shadow": True}})
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW - DAY, NOW - DAY, "alice")
YES = Checked(2, "50%", QUESTION, passed=True, by="bob", at=NOW, note="looked")
TOKEN = Approver("t1")
MET = CriterionResult(met=True, text="holds now")
FOUND = GateInputs({CRITERION: MET}, frozenset({TOKEN}))


def before(history: History, found: GateInputs = FOUND, after: timedelta = timedelta()) -> GateCase:
    at = next_gate(BOOK, history, found, NOW + after)
    assert at is not None
    return at


ANSWERED = History(ATTEMPT, checked=(YES,))
GIVEN = Approved(
    2, "50%", "lead", "carol", NOW, NOW + timedelta(hours=1), before(ANSWERED).digest, "t1", "go"
)
OPEN = replace(ANSWERED, approved=(GIVEN,))


def asks(history: History, found: GateInputs = FOUND, by: str = "alice") -> dict[str, Requirement]:
    return {ask.kind: ask for ask in judge(before(history, found), by).asks}


def approval(history: History = OPEN, found: GateInputs = FOUND, by: str = "alice") -> tuple[bool, str]:
    ask = asks(history, found, by)["approval"]
    return ask.met, ask.text


def test_a_gate_that_is_open_says_who_said_so() -> None:
    status = judge(before(OPEN), "alice")
    assert status.missing == ()
    assert status.asks == (
        Requirement("criterion", "error-rate: below 0.5 %", met=True, text="holds now"),
        Requirement(
            "stable",
            "nothing fires for 1 d",
            met=True,
            text="nothing has fired since 2026-02-28 03:00:00 UTC",
        ),
        Requirement("check", QUESTION, met=True, text="bob says yes: looked", by="bob", at=NOW),
        Requirement(
            kind="approval",
            name="lead",
            met=True,
            text="carol approved, until 2026-03-01 04:00:00 UTC: go",
            by="carol",
            at=NOW,
            until=NOW + timedelta(hours=1),
        ),
    )


def test_a_gate_nobody_has_spoken_of_says_what_to_type() -> None:
    at = before(History(ATTEMPT), GateInputs())
    missing = judge(at).missing
    assert [(ask.text, ask.cure) for ask in missing] == [
        ("error-rate: below 0.5 %: unknown: Prometheus was not asked", ""),
        ("nobody has answered 'Is it quiet?'", "handrail rollout check shop --item 1"),
        (
            "nobody has approved as 'lead'",
            f"handrail rollout approve shop --role lead --seen {at.digest[:12]}",
        ),
    ]


def test_the_last_answer_may_be_no() -> None:
    no = replace(YES, passed=False, note="it screams")
    ask = asks(replace(ANSWERED, checked=(no,)))["check"]
    assert (ask.met, ask.text) == (False, "bob says no to 'Is it quiet?': it screams")


COUNTS = (True, "carol approved, until 2026-03-01 04:00:00 UTC: go")


def not_for(reason: str) -> tuple[bool, str]:
    return False, f"carol's approval as 'lead' does not count: {reason}"


def test_an_approval_of_another_attempt_does_not_count() -> None:
    replayed = replace(OPEN, approved=(replace(GIVEN, number=1),))
    assert approval(replayed) == not_for("it was given in attempt 1, and this is attempt 2")


def test_an_approval_of_another_stage_is_none() -> None:
    elsewhere = replace(OPEN, approved=(replace(GIVEN, into="100%"),))
    assert approval(elsewhere) == (False, "nobody has approved as 'lead'")


CHANGED = "the playbook, or an answer to a question, has changed since"


@pytest.mark.parametrize(
    "answer",
    [
        replace(YES, passed=False),
        replace(YES, by="dave"),
        replace(YES, at=NOW + timedelta(seconds=1)),
        replace(YES, note="looked again"),
    ],
)
def test_an_approval_does_not_outlive_the_answers_it_was_given_for(answer: Checked) -> None:
    assert approval(replace(OPEN, checked=(answer,))) == not_for(CHANGED)


def test_an_approval_does_not_outlive_the_playbook_it_was_given_for() -> None:
    other = replace(before(OPEN), playbook=BOOK.model_copy(update={"budget_per_day": 9}))
    assert judge(other).missing[0].text == not_for(CHANGED)[1]


def test_an_approval_ends() -> None:
    last, over = timedelta(minutes=59, seconds=59), timedelta(hours=1)
    assert [ask.kind for ask in judge(before(OPEN, after=last)).missing] == []
    [ask] = judge(before(OPEN, after=over)).missing
    assert ask.text == not_for("it expired 2026-03-01 04:00:00 UTC")[1]


@pytest.mark.parametrize(
    ("approvers", "counts"),
    [
        ({TOKEN}, True),
        ({Approver("t1", "lead"), Approver("t2")}, True),
        ({Approver("t1", "owner")}, False),
        ({Approver("t2")}, False),
        (set[Approver](), False),
    ],
)
def test_an_approval_counts_while_its_token_may_approve(approvers: set[Approver], counts: bool) -> None:
    revoked = not_for("the token it was given with may no longer approve")
    assert approval(found=replace(FOUND, approvers=frozenset(approvers))) == (COUNTS if counts else revoked)


OWN = "whoever starts, promotes or answers a question may not approve it"


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_nobody_approves_what_they_started_or_answered(whose: str) -> None:
    mine = replace(OPEN, approved=(replace(GIVEN, by=whose),))
    assert approval(mine, by="dave") == (False, f"{whose}'s approval as 'lead' does not count: {OWN}")


def test_nobody_promotes_what_they_approved() -> None:
    assert approval(by="carol") == not_for(OWN)
    assert approval(by="dave") == COUNTS


def test_four_eyes_are_asked_for_only_where_they_are_declared() -> None:
    alone = GATE.model_copy(update={"approvals": (LEAD.model_copy(update={"four_eyes": False}),)})
    at = replace(before(ANSWERED), gate=alone)
    mine = replace(GIVEN, by="alice", digest=at.digest)
    assert judge(replace(at, history=replace(ANSWERED, approved=(mine,))), "alice").missing == ()


def test_rest_is_counted_from_the_stage_s_beginning_and_from_the_last_alert_s_end() -> None:
    def text(*said: LastSaid, entered: timedelta = DAY) -> tuple[bool, str]:
        attempt = replace(ATTEMPT, stage_entered_at=NOW - entered)
        ask = asks(replace(OPEN, attempt=attempt, said=said))["stable"]
        return ask.met, ask.text

    hour = timedelta(hours=1)
    over = LastSaid("a", "error-rate/warning", firing=False, at=NOW - hour)
    fires = replace(over, series="b", firing=True, source="error-rate/critical", at=NOW - 2 * DAY)
    shadow = replace(fires, source="leaks/critical")
    assert text(shadow) == (True, "nothing has fired since 2026-02-28 03:00:00 UTC")
    assert text(entered=hour) == (
        False,
        "nothing has fired since 2026-03-01 02:00:00 UTC, which is long enough at 2026-03-02 02:00:00 UTC",
    )
    assert text(over) == text(entered=hour)
    assert text(over, fires) == (False, "error-rate/critical fires; 1 d without a firing alert are needed")


def test_rest_of_some_severities_is_broken_by_those_alone_and_by_what_fires_now() -> None:
    of = Gate(into="50%", stable_for=DAY.total_seconds(), severities=("critical", "emergency"))
    entered = replace(ATTEMPT, stage_entered_at=NOW - 2 * DAY)

    def text(*said: LastSaid) -> tuple[str, bool, str]:
        at = next_gate(playbook(gates=(of,)), History(entered, said=said), FOUND, NOW)
        assert at is not None
        [ask] = [ask for ask in judge(at).asks if ask.kind == "stable"]
        return ask.name, ask.met, ask.text

    milder = LastSaid("a", "error-rate/warning", firing=False, at=NOW - timedelta(hours=1))
    graver, unknown = replace(milder, source="error-rate/critical"), replace(milder, source="other/warning")
    name = "no critical or emergency alert fires for 1 d"
    rest = (name, True, "no critical or emergency alert has fired since 2026-02-27 03:00:00 UTC")
    broken = "no critical or emergency alert has fired since 2026-03-01 02:00:00 UTC, which is long enough at 2026-03-02 02:00:00 UTC"
    assert text() == text(milder) == rest
    assert text(graver) == text(unknown) == (name, False, broken)
    now = (name, False, "error-rate/warning fires; 1 d without a firing alert are needed")
    assert text(replace(milder, firing=True)) == now


def test_the_gate_into_the_first_stage_is_for_the_attempt_that_begins_next() -> None:
    first = playbook(gates=(Gate(into="10%", manual=(QUESTION,)),))
    over = History(replace(ATTEMPT, state=AttemptState.rolled_back))
    said = replace(YES, number=3, into="10%")
    for history, met in ((over, False), (replace(over, checked=(said,)), True)):
        at = next_gate(first, history, FOUND, NOW)
        assert at is not None
        assert [ask.met for ask in judge(at).asks] == [met]


@pytest.mark.parametrize(
    "attempt", [replace(ATTEMPT, stage="100%"), replace(ATTEMPT, state=AttemptState.rolling_back)]
)
def test_after_the_last_stage_and_while_rolling_back_no_gate_comes(attempt: Attempt) -> None:
    assert next_gate(BOOK, History(attempt), FOUND, NOW) is None


HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
IN_LAST_STAGE = replace(ATTEMPT, stage="50%", stage_entered_at=NOW)
INTO_100 = playbook(gates=(Gate(into="100%", criteria=(CRITERION,)),))


def out_of_50(after: timedelta, found: GateInputs = FOUND, *said: LastSaid) -> list[tuple[str, bool, str]]:
    """What the gate out of a stage of one hour says so long after the stage began."""
    at = next_gate(INTO_100, History(IN_LAST_STAGE, said=said), found, NOW + after)
    assert at is not None
    return [(ask.kind, ask.met, ask.text) for ask in judge(at).asks]


@pytest.mark.parametrize("after", [timedelta(), SECOND, HOUR - SECOND])
def test_while_a_stage_bakes_it_is_not_judged_and_the_gate_says_until_when(after: timedelta) -> None:
    assert out_of_50(after) == [
        ("bake", False, "stage 50% bakes for 1 h: until 2026-03-01 04:00:00 UTC"),
        ("criterion", False, "error-rate: below 0.5 %: judged after the bake time"),
    ]


def test_when_it_is_over_it_is_judged() -> None:
    assert out_of_50(HOUR) == [("criterion", True, "holds now")]


BLIND = LastSaid("a", "error-rate/blind", firing=True, at=NOW)
SHUT = ("firing", False, "error-rate/blind fires")


def test_what_fires_keeps_a_gate_shut_blindness_as_well_until_it_fires_no_more() -> None:
    assert out_of_50(HOUR, FOUND, BLIND)[1:] == [SHUT]
    assert out_of_50(HOUR, FOUND, replace(BLIND, firing=False))[1:] == []


def test_what_only_watches_keeps_none_shut() -> None:
    watches = playbook(gates=(Gate(into="100%"),), tiers={"error-rate/blind": {"shadow": True}})
    at = next_gate(watches, History(IN_LAST_STAGE, said=(BLIND,)), FOUND, NOW + HOUR)
    assert at is not None
    assert judge(at).asks == ()


def test_too_little_traffic_keeps_none_shut_its_criteria_say_what_was_judged() -> None:
    known = playbook(gates=(Gate(into="100%"),))
    (first, *others) = known.guardrails
    tier = first.tiers[0].model_copy(update={"tier": "thin"})
    with_thin = first.model_copy(update={"tiers": (*first.tiers, tier)})
    known = known.model_copy(update={"guardrails": (with_thin, *others)})
    said = replace(BLIND, source=f"{first.name}/thin")
    at = next_gate(known, History(IN_LAST_STAGE, said=(said,)), FOUND, NOW + HOUR)
    assert at is not None
    assert judge(at).asks == ()


def test_what_fires_by_prometheus_keeps_it_shut_though_nobody_told_us() -> None:
    found = replace(FOUND, fires=FiringTiers(("error-rate/blind",)))
    assert out_of_50(HOUR, found)[1:] == [SHUT]


def test_a_prometheus_that_has_the_rules_knows_better_than_what_was_told() -> None:
    """Alertmanager does not tell the end of what it mutes."""
    assert out_of_50(HOUR, replace(FOUND, fires=FiringTiers(sure=True)), BLIND)[1:] == []
    assert out_of_50(HOUR, replace(FOUND, fires=FiringTiers(sure=False)), BLIND)[1:] == [SHUT]


def test_what_was_told_since_prometheus_was_asked_is_newer() -> None:
    for at, shut in ((BLIND.at, [SHUT]), (BLIND.at + timedelta(seconds=1), [])):
        asked = replace(FOUND, fires=FiringTiers(sure=True, at=at))
        assert out_of_50(HOUR, asked, BLIND)[1:] == shut
