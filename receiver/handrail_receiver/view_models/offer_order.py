"""A state, its gate and what fires → the order of the buttons: what somebody on call needs first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from handrail_receiver.attempt_states.state_machine import OVER
from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import History

BACK = ("rollback", "emergency-rollback")
SAID = ("note", "close")
"""What is said of an incident once somebody has it."""
PEOPLE = ("check", "approve")
"""What a gate asks of people, the answers before the approvals: these are for them as well."""
SELDOM = ("drill", "adopt", "abandon")


class Situation(StrEnum):
    """Where a rollout stands, as far as it matters for what people need first."""

    over = "nothing runs"
    goes_on = "goes on automatically"
    waits = "waits for an answer or an approval"
    may_go_on = "its gate is open"
    held = "held"
    goes_back = "goes back"
    rolled_back = "rolled back"
    changed = "changed after the rollback"


ORDER: Mapping[Situation, tuple[str, ...]] = {
    Situation.over: (*SAID, *PEOPLE, "start"),
    Situation.goes_on: ("reduce", *BACK, "hold", *PEOPLE, "promote", "resume", *SAID),
    Situation.waits: (*PEOPLE, "reduce", *BACK, "hold", "promote", *SAID),
    Situation.may_go_on: ("promote", "reduce", *BACK, "hold", *SAID),
    Situation.held: ("reduce", *BACK, "retry", "resume", *PEOPLE, "promote", "hold", *SAID),
    Situation.goes_back: ("retry", *reversed(BACK), *SAID),
    Situation.rolled_back: (*SAID, *PEOPLE, "start", *BACK),
    Situation.changed: (*BACK, *SAID, *PEOPLE, "start"),
}
"""What follows the acknowledgement of an incident that nobody has: that comes first, wherever the rollout stands, for others
are woken until then. What is in none of them comes last.

While it goes forward, the way back is at the front; only where nothing fires and nothing but people is missing, what they
have to say is before it. Once it is rolled back, what was found is said first, and then the next attempt begun.
"""


def situation_of(history: History, gate: GateStatus | None, aside: Collection[str]) -> Situation:
    """Where it stands; `gate` is the one ahead, `aside` what may fire all the same."""
    state, attempt = state_of(history), history.attempt
    if state is State.rolled_back:
        return Situation.changed if attempt is not None and attempt.changed_since else Situation.rolled_back
    if state in (State.none, *OVER):
        return Situation.over
    if state is State.rolling_back:
        return Situation.goes_back
    if state is State.held:
        return Situation.held
    fires = any(said.firing and said.source not in aside for said in history.said)
    if state is not State.baking or gate is None or fires:
        return Situation.goes_on
    if not gate.missing:
        return Situation.may_go_on
    by_people = all(ask.kind in {"check", "approval"} for ask in gate.missing)
    return Situation.waits if by_people else Situation.goes_on


def place(situation: Situation, verb: str) -> int:
    """Where a button stands among the others."""
    known = ("ack", *ORDER[situation], *SELDOM)
    return known.index(verb) if verb in known else len(known)
