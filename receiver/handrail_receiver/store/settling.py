"""The runs of an attempt → when nothing can land any more of what others asked for than the one that is carried out."""

from __future__ import annotations

from datetime import datetime

from handrail.contract import names, target_of, value_of

from handrail_receiver.model import ENTERING, EffectState, Run
from handrail_receiver.store.engine import Row, Tx
from handrail_receiver.store.rows import instant, step_of

SETTLES_WITHIN = 10.0
"""How late a target may carry out what it was asked for, in seconds; what lands later is found by the watch."""
UNANSWERED = (
    "SELECT run.action, run.finished_at, effect.step FROM run JOIN effect ON effect.run = run.id"
    " WHERE run.attempt = :attempt AND run.id <> :id"
    " AND ((run.state IN ('superseded', 'open') AND effect.state = 'intended')"
    " OR (effect.state = 'failed' AND effect.cause IN ('timeout', 'unreachable', 'broken')))"
)


def settles_at(tx: Tx, run: Run) -> datetime | None:
    """What was asked of a target and not answered may be carried out until its step's time is over."""
    rows = [row for row in tx.rows(UNANSWERED, attempt=run.attempt, id=run.id) if _undoes(row, run)]
    interrupted = (run.acted_at or run.decided_at).timestamp()
    ends = (
        (row["finished_at"] or interrupted) + min(SETTLES_WITHIN, step_of(row["step"]).timeout)
        for row in rows
    )
    return max(map(instant, ends), default=None)


def _undoes(row: Row, run: Run) -> bool:
    """Whether a call of another run would undo what `run` does: it entered a stage, or wants another value of a target.

    That of a rollback that goes on counts where it is weaker: it was interrupted, and had asked for it before.
    """
    if row["action"] in ENTERING:
        return row["finished_at"] is not None
    order = names.ACTING
    weaker = (
        row["action"] in order
        and run.action in order
        and order.index(row["action"]) < order.index(run.action)
    )
    if row["finished_at"] is None and not weaker:
        return False
    step = step_of(row["step"])
    wanted = {target_of(one.step): value_of(one.step) for one in run.effects if one.state != EffectState.left}
    return wanted.get(target_of(step), value_of(step)) != value_of(step)
