"""The steps that enter a stage → those whose targets another rollout's rollback keeps otherwise. Pure.

Two rollouts may set one target. Where one of them was rolled back, it puts back what the other one sets; so the other
one is told, instead of both writing in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handrail.contract import Playbook, Step, names, on_each_node, target_of, value_of

from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.model import History
from handrail_receiver.operations.drift import kept_steps, watches_until
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import when


def steps_ahead(playbook: Playbook, history: History, verb: str) -> tuple[Step, ...]:
    """The steps of the stage that a start, a promotion or a retry enters; none where it enters none."""
    attempt, failed = history.attempt, history.not_entered
    name = playbook.stages[0].name if verb == "start" and playbook.stages else ""
    if attempt is not None and attempt.live and verb != "start":
        following = playbook.stage_after(attempt.stage)
        again = failed.key if failed is not None else attempt.stage
        name = again if verb == "retry" else following.name if following else ""
    stage = next((one for one in playbook.stages if one.name == name), None)
    return on_each_node(stage.enter) if stage is not None else ()


def may_keep(playbook: Playbook, steps: Sequence[Step]) -> bool:
    """Whether a rollback of another rollout sets a target of these steps."""
    acting = (action.steps for action in playbook.actions if action.name in names.ACTING)
    theirs = {target_of(step) for declared in acting for step in on_each_node(declared)}
    return any(target_of(step) in theirs for step in steps)


def kept_otherwise(steps: Sequence[Step], other: Playbook, history: History, now: datetime) -> list[str]:
    """What the rollback of another rollout keeps as these steps do not want it, a line each; none once it lets go."""
    state, until = state_of(history), watches_until(history, other)
    watched = state is State.rolled_back and until is not None and now < until
    if not watched and state is not State.rolling_back:
        return []
    long = f" until {when(until)}" if watched and until is not None else ""
    wanted = {target_of(step): value_of(step) for step in steps}
    return [
        f"{what(step)} is what the rollback of {other.rollout} keeps{long}"
        for step in kept_steps(history)
        if wanted.get(target_of(step), value_of(step)) != value_of(step)
    ]
