"""shared-target: a rollout's stage sets what another rollout's rollback sets to something else.

Two rollouts that set the weight of one HAProxy server, or one flag, write in turn: where one is rolled back, it takes the
other's canary out as well, and the receiver enters no stage of the other while that rollback is being kept. What is changed
together is one rollout; of two that follow each other, the second one names the first in `waits_for=`; two that shall go
back together say so by `goes_back_with=`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from handrail.contract import FieldRole, Step, fields_of, on_each_node
from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import amount

NAME = "shared-target"


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Of each two rollouts that nothing orders, the first such target of each."""
    del environments
    back = [(other, _by_target(_rollback(other))) for other in rollouts]
    for rollout in rollouts:
        entered = [_by_target(steps) for steps in _stages(rollout)]
        for other, theirs in back:
            if other is not rollout and not _ordered(rollout, other):
                clash = (_clash(ours, theirs) for ours in entered)
                yield from _findings(rollout, other, next(filter(None, clash), ""))


def _findings(rollout: Rollout, other: Rollout, target: str) -> Iterator[Finding]:
    if target:
        what = f"a stage sets {target}, which the rollback of '{other.name}' sets otherwise"
        cure = f'declare one rollout, or say waits_for=["{other.name}"] or goes_back_with=["{other.name}"]'
        yield finding(NAME, rollout, what, cure, "stages", severity=Severity.warning)


def _ordered(one: Rollout, other: Rollout) -> bool:
    """Whether one of them waits for the other, or goes back with it."""
    named = {*one.waits_for, *one.goes_back_with} & {other.name}
    return bool(named or {*other.waits_for, *other.goes_back_with} & {one.name})


def _clash(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """The first target that both set, to different values; empty where there is none."""
    return next((target for target, value in ours.items() if theirs.get(target, value) != value), "")


def _by_target(steps: Iterable[Step]) -> dict[str, str]:
    """What each target is set to: the last step of several counts."""
    return {_said(one, FieldRole.identity): _said(one, FieldRole.value) for one in on_each_node([*steps])}


def _said(step: Step, role: FieldRole) -> str:
    """These fields of a step as they are declared."""
    asked = ", ".join(f"{name}={value!r}" for name, value in fields_of(step, role) if name != "kind")
    return f"{type(step).__name__}({asked})"


def _stages(rollout: Rollout) -> Iterator[list[Step]]:
    for stage in rollout.stages:
        share = None if stage.weight is None else amount(stage.weight).value
        yield [*(() if share is None else _canary(rollout, round(100 * share))), *stage.enter]


def _rollback(rollout: Rollout) -> list[Step]:
    """The steps of every rollback; of one target that of the ordinary one counts."""
    declared = (*(rollout.security or ()), *(rollout.emergency or ()), *rollout.rollback)
    return [*_canary(rollout, 0), *declared]


def _canary(rollout: Rollout, weight: int) -> list[Step]:
    """The split's weight of the canary, in percent."""
    return [] if rollout.split is None else [rollout.split.weight(rollout.split.canary, weight)]
