"""History → the state that the attempt is in. Pure.

The store has facts: the attempt's row, its runs, what holds it. The state is derived from them each time, so that it
always agrees with them, also after a restart or in a store of an older version.
"""

from __future__ import annotations

from enum import StrEnum

from handrail.contract import names

from handrail_receiver.model import BROKEN, OPEN, SHARING, Attempt, AttemptState, History, RunState


class State(StrEnum):
    """Where one try at a rollout stands. `TABLE` has what leads from one to the next."""

    none = "none"
    entering = "entering"
    baking = "baking"
    promoting = "promoting"
    guarding = "guarding"
    finishing = "finishing"
    held = "held"
    confirming = "confirming"
    rolling_back = "rolling-back"
    rolled_back = "rolled-back"
    complete = "complete"
    abandoned = "abandoned"


MEANS: dict[State, str] = {
    State.none: "no attempt was started",
    State.entering: "the steps of the first stage are carried out",
    State.baking: "it is in a stage, which bakes or waits for the gate ahead",
    State.promoting: "the steps of the next stage, or of a smaller share, are carried out; until a stage's steps have succeeded, the attempt is in the stage before",
    State.guarding: "a rollout without stages is guarded",
    State.finishing: "the last gate was passed, and it is still guarded for the time of `watch_after`",
    State.held: "nothing is promoted: somebody or an alert holds it, its share was reduced, or a step of a stage failed",
    State.confirming: "a rollback waits for Prometheus to confirm it",
    State.rolling_back: "a rollback is being carried out or proved, or has failed",
    State.rolled_back: "the rollback succeeded; its targets are watched",
    State.complete: "the last gate was passed, and nobody guards it any more",
    State.abandoned: "a person closed it; no target was touched",
}
"""What each state means, in the order of an attempt's life."""

FINAL: dict[AttemptState, State] = {
    AttemptState.rolling_back: State.rolling_back,
    AttemptState.rolled_back: State.rolled_back,
    AttemptState.complete: State.complete,
    AttemptState.abandoned: State.abandoned,
}


def state_of(history: History) -> State:
    """The state of the newest attempt."""
    attempt = history.attempt
    if attempt is None:
        return State.none
    return FINAL.get(attempt.state) or _going_on(attempt, history)


def _going_on(attempt: Attempt, history: History) -> State:
    """The state of an attempt that goes forward: what stands against going on comes before where it is."""
    going = [run for run in history.runs if run.state in OPEN]
    back = [run.state for run in going if run.action in names.ACTING]
    if back:
        return State.confirming if set(back) == {RunState.waiting} else State.rolling_back
    enters = next((run.action for run in going if run.action in SHARING), None)
    if enters is not None:
        return State.entering if enters == "start" else State.promoting
    tried = history.entering
    if attempt.held or history.reduced is not None or (tried is not None and tried.state in BROKEN):
        return State.held
    if attempt.state == AttemptState.finishing:
        return State.finishing
    return State.baking if attempt.stage else State.guarding
