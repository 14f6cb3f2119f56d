"""A condition of the plan → the words in which alerts, gates and runbooks say it."""

from __future__ import annotations

from handrail.plan import Condition, Op, Reference, ReferenceKind, StageLimit, StateChanges
from handrail.units import Unit, plain, show, span

_REFERENCE_WORDS = {
    ReferenceKind.before: "the figure from before the rollout",
    ReferenceKind.stable: "the stable arm",
    ReferenceKind.previous_stage: "the stage before",
}
_OP_WORDS = {
    Op.above: "above",
    Op.at_least: "at or above",
    Op.below: "below",
    Op.at_most: "at or below",
}


def words(condition: Condition) -> str:
    """The condition for people: `above 1 %`, `above 1 % in stage 10%, 0.5 % in stage 25%`."""
    if condition.state is not None:
        return f"in state {condition.state}"
    if isinstance(condition.signal.measure, StateChanges):
        return "changing"
    figures = ", ".join(_figure_words(condition, limit) for limit in condition.limits)
    return f"{_OP_WORDS[condition.op]} {figures}"


def _figure_words(condition: Condition, limit: StageLimit) -> str:
    if condition.reference is None:
        text = show(limit.figure, condition.signal.unit)
    elif condition.points:
        unit = "points" if condition.signal.unit is Unit.ratio else ""
        shown = plain(limit.figure * 100) if unit else show(limit.figure, condition.signal.unit)
        text = f"{reference_words(condition.reference)} plus {shown} {unit}".rstrip()
    else:
        text = f"{plain(limit.figure * 100)} % of {reference_words(condition.reference)}"
    staged = (
        f" in stage {limit.stage}" if limit.stage is not None else (" otherwise" if condition.staged else "")
    )
    return text + staged


def reference_words(reference: Reference) -> str:
    """The reference for people."""
    if reference.ago is not None:
        return f"the figure of {span(reference.ago)} ago"
    return f"stage {reference.stage}" if reference.stage else _REFERENCE_WORDS[reference.kind]
