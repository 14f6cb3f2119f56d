"""Freezes and hours: against them nothing starts or is promoted without a reason, and no rollback waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook, signal
from handrail.contract import Freeze, Hours
from handrail_receiver.decide.decide import decide
from handrail_receiver.gates.gate import GateInputs, judge, next_gate
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.gates.windows import frozen, outside_hours
from handrail_receiver.model import Attempt, AttemptState, Conditions, History, Verdict
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call

DAY = timedelta(days=1)
FROZEN = playbook(
    freezes=(Freeze(begins=(NOW - DAY).timestamp(), ends=(NOW + DAY).timestamp(), why="Christmas"),)
)
OFFICE = playbook(hours=(Hours(days=(0, 1, 2, 3, 4), begins="09:00", ends="17:00", zone="Europe/Berlin"),))
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW - DAY, NOW - DAY, "alice")
TEXT = "frozen until 2026-03-02 03:00:00 UTC: Christmas"


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (at(2026, 3, 2, 7, 59), "they begin 2026-03-02 08:00:00 UTC"),
        (at(2026, 3, 2, 8, 0), ""),
        (at(2026, 3, 2, 15, 59), ""),
        (at(2026, 3, 2, 16, 0), "they begin 2026-03-03 08:00:00 UTC"),
        (at(2026, 3, 6, 20, 0), "they begin 2026-03-09 08:00:00 UTC"),
        (at(2026, 3, 28, 12, 0), "they begin 2026-03-30 07:00:00 UTC"),
        (at(2026, 3, 30, 7, 30), ""),
    ],
    ids=["before", "from the first minute", "to the last", "after", "weekend", "summer ahead", "in summer"],
)
def test_hours_go_by_the_clocks_of_their_zone_in_summer_as_in_winter(now: datetime, text: str) -> None:
    hours = "outside of its hours, Mon, Tue, Wed, Thu, Fri 09:00-17:00 Europe/Berlin; "
    assert outside_hours(OFFICE, now) == (hours + text if text else "")


def test_a_zone_that_the_machine_does_not_know_opens_nothing() -> None:
    [hours] = OFFICE.hours
    elsewhere = OFFICE.model_copy(update={"hours": (hours.model_copy(update={"zone": "Mars/Olympus"}),)})
    assert outside_hours(elsewhere, at(2026, 3, 2, 9)).startswith("its hours are not known: ")


def test_a_freeze_lasts_up_to_its_end_and_the_last_of_several_counts() -> None:
    assert frozen(FROZEN, NOW) == TEXT
    assert frozen(FROZEN, NOW + DAY) == ""
    assert frozen(FROZEN, NOW - DAY - timedelta(seconds=1)) == ""
    assert frozen(playbook(), NOW) == ""


def test_a_freeze_that_the_next_adjoins_or_overlaps_ends_with_the_last_of_them() -> None:
    def freeze(begins: int, ends: int, why: str = "") -> Freeze:
        return Freeze(begins=(NOW + begins * DAY).timestamp(), ends=(NOW + ends * DAY).timestamp(), why=why)

    several = playbook(
        freezes=(
            freeze(4, 5, "after a gap"),
            freeze(1, 2, "stocktaking"),
            freeze(-1, 1, "Christmas"),
            freeze(0, 1, "within"),
            freeze(-3, -1, "before"),
        )
    )
    assert frozen(several, NOW) == "frozen until 2026-03-03 03:00:00 UTC: Christmas, then stocktaking"
    assert frozen(several, NOW + 2 * DAY) == ""
    overlap = playbook(freezes=(freeze(-1, 2), freeze(1, 3, "audit"), freeze(3, 4, "audit")))
    assert frozen(overlap, NOW) == "frozen until 2026-03-05 03:00:00 UTC: audit"


def test_in_a_freeze_nothing_starts_or_is_promoted_but_with_a_reason_that_is_kept() -> None:
    for verb, history in (("start", History()), ("promote", History(ATTEMPT))):
        refused = decide_call(Call(verb, "alice"), FROZEN, history, Conditions(NOW))
        assert (refused.verdict, refused.reason) == (Verdict.refuse, "not-ready")
        assert refused.text == f"{TEXT}; wait or fix it, or say --anyway and --why"
        past = Call(verb, "alice", "a leak must be fixed", anyway=True)
        made = decide_call(past, FROZEN, history, Conditions(NOW))
        assert made.verdict == Verdict.act
        assert made.text.endswith(f"although {TEXT} (says alice: a leak must be fixed)")
        assert decide_call(Call(verb, "alice"), FROZEN, history, Conditions(NOW + DAY)).verdict == Verdict.act


def test_what_goes_back_waits_for_no_freeze_and_no_hours() -> None:
    closed = FROZEN.model_copy(update={"hours": OFFICE.hours})
    alarmed = decide(signal(), closed, History(ATTEMPT), Conditions(NOW))
    assert (alarmed.verdict, alarmed.reason) == (Verdict.act, "limit-broken")
    asked = decide_call(Call("rollback", "alice"), closed, History(ATTEMPT), Conditions(NOW))
    assert (asked.verdict, asked.reason) == (Verdict.act, "asked-for")


def test_the_gate_shows_its_windows_whether_they_are_open_or_not() -> None:
    case = next_gate(FROZEN, History(ATTEMPT), GateInputs(), NOW)
    assert case is not None
    assert judge(case).asks == (Requirement("window", "no freeze", met=False, text=TEXT),)
    assert judge(replace(case, now=NOW + DAY)).asks == (
        Requirement("window", "no freeze", met=True, text="no freeze is in force"),
    )
