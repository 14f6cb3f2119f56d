"""The gate ahead, what Prometheus said before it, and the attempt → whether it may go on now, for a program that
asks. Pure.

It is the answer that a promotion would get, without promoting: open, closed, or unknown if anything that it needs
could not be found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from handrail.contract import Playbook, names

from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.gates.gate import GateStatus, still_bakes
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import WORKED, Attempt, Conditions, History
from handrail_receiver.operations.objections import guard_is_off
from handrail_receiver.operations.preflight import Preflight

Answer = Literal["open", "closed", "unknown", "passed", "over", "none"]
"""`passed`: the attempt is in the stage, or behind it; `over`: it goes back or was abandoned, and will not come there;
`none`: no attempt runs that would come to it.
"""
ENDS_BADLY = frozenset({State.rolling_back, State.rolled_back, State.abandoned})
ENTERS = frozenset({State.entering, State.promoting, State.confirming})
UNHEARD = "what fired while the receiver or its store was away, or was cut off, is not known yet"


class UnknownStage(Exception):
    """The rollout has no such stage; the message names those it has."""


@dataclass(frozen=True)
class GateResult:
    """The state of the gate into `into`. `unknown` has lines for what could not be found out, `against` for what else
    is against a promotion; `asks` has the requirements of the gate, if it is the next one.
    """

    answer: Answer
    phase: State
    into: str
    text: str
    asks: tuple[Requirement, ...] = ()
    against: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateQuestion:
    """What it is judged by."""

    playbook: Playbook
    history: History
    gate: GateStatus | None
    before: Preflight
    now: Conditions


def gate_result(case: GateQuestion, into: str = "") -> GateResult:
    """How the gate into a stage stands, the next one without a name. Raises UnknownStage."""
    attempt, state = case.history.attempt, state_of(case.history)
    order = [*(stage.name for stage in case.playbook.stages), names.COMPLETE]
    if into and into not in order:
        raise UnknownStage(f"{case.playbook.rollout} has no stage {into}; it has {', '.join(order)}")
    if attempt is None or state is State.none:
        return GateResult("none", state, into, "no attempt was started")
    if state in ENDS_BADLY:
        return GateResult("over", state, into, f"attempt {attempt.number} is {state}")
    if state is State.guarding:
        return GateResult("none", state, into, "this rollout has no stages, and so no gates")
    ended = state in {State.complete, State.finishing}
    if ended and not into:
        return GateResult("none", state, into, f"attempt {attempt.number} is {state}: no gate lies ahead")
    if not ended and attempt.stage not in order:
        return GateResult("closed", state, into, f"its playbook has no stage {attempt.stage} any more")
    here = len(order) - 1 if ended else order.index(attempt.stage)
    began = case.history.entering
    outside = began is not None and began.action == "start" and began.state not in WORKED
    if into and order.index(into) <= here and not outside:
        return GateResult(
            "passed", state, into, f"attempt {attempt.number} has passed it, and is {_where(attempt, state)}"
        )
    ahead = order[0] if outside else order[here + 1]
    if into and into != ahead:
        return GateResult(
            "closed", state, into, f"it is {_where(attempt, state)}, and {ahead} comes before {into}"
        )
    return _judged(case, attempt, state, ahead)


def _judged(case: GateQuestion, attempt: Attempt, state: State, ahead: str) -> GateResult:
    """The next gate, with all that a promotion would meet."""
    asks = case.gate.asks if case.gate is not None and case.gate.into == ahead else ()
    missing = [ask for ask in asks if not ask.met]
    unknown = [ask.text for ask in missing if not ask.known]
    unknown += [UNHEARD] if case.now.unheard else []
    against = [*_state(attempt, state), *guard_is_off(case.now), *_without_gate(case, attempt)]
    (against if case.before.answered else unknown).extend(case.before.problems)
    if attempt.rollback_ready:
        against.append(f"a rollback is not known to work: {attempt.rollback_ready}")
    told = [*unknown, *against, *(ask.text for ask in missing if ask.known)]
    answer: Answer = "unknown" if unknown else "closed" if told else "open"
    return GateResult(answer, state, ahead, _words(told), tuple(asks), tuple(against), tuple(unknown))


def _without_gate(case: GateQuestion, attempt: Attempt) -> list[str]:
    """What stands against going on behind a last stage of which the playbook declares no gate."""
    if case.gate is not None:
        return []
    stage = next((one for one in case.playbook.stages if one.name == attempt.stage), None)
    over = attempt.stage_entered_at + timedelta(seconds=stage.takes if stage else 0)
    bakes = [still_bakes(attempt.stage, over)] if case.now.now < over else []
    return [*bakes, *(f"{source} fires" for source in case.before.fires.sources)]


def _words(told: Sequence[str]) -> str:
    return "; ".join(told) or "nothing is missing"


def _where(attempt: Attempt, state: State) -> str:
    return (
        f"in stage {attempt.stage}, {state}" if state not in {State.complete, State.finishing} else str(state)
    )


def _state(attempt: Attempt, state: State) -> list[str]:
    """What the attempt is at that keeps it from going on."""
    if state is State.held:
        return [f"held: {attempt.held or 'the steps of its stage did not succeed'}"]
    return [f"it is {state}"] if state in ENTERS else []
