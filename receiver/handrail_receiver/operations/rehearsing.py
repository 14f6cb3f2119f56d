"""Steps → whether their targets could do them now; targets are only read. A fault is an answer: the rollback is not
sure.

What a rollback lacks keeps an attempt from starting. What is softer than one is rehearsed by a drill alone: without it
the rollback is still there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from handrail.contract import Playbook, Step, names

from handrail_receiver.errors import Cause, TargetError
from handrail_receiver.model import Attempt, Decision, SetReady, Verdict
from handrail_receiver.ports import Rehearsal, Target
from handrail_receiver.words.steps import what

log = logging.getLogger("handrail")
MARGIN = 1.0
"""Each call of a rehearsal has the step's time; with so much more it can say which of them did not answer."""


async def rehearsed(targets: Mapping[str, Target], step: Step) -> Rehearsal:
    """Ask the step's target; raises nothing."""
    target = targets.get(step.kind)
    if target is None:
        reason = "this receiver has no target for it"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.missing)
    try:
        async with asyncio.timeout(step.timeout + MARGIN):
            return await target.rehearse(step)
    except TargetError as error:
        return Rehearsal(ready=False, reason=str(error), step=step, call="", cause=error.cause)
    except TimeoutError:
        reason = f"no answer within {step.timeout:g} s"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.timeout)
    except Exception as error:  # a fault of ours is a way back that is not sure, and no lost answer
        log.exception("%s could not be rehearsed", what(step))
        reason = f"a fault of Handrail's own: {type(error).__name__}: {error}"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.broken)


@dataclass(frozen=True)
class RehearsedAction:
    """All steps of an action, rehearsed."""

    action: str
    steps: tuple[Rehearsal, ...]

    @property
    def missing(self) -> tuple[Rehearsal, ...]:
        """The steps that could not be carried out now."""
        return tuple(one for one in self.steps if not one.ready)


def steps_of(
    playbook: Playbook, attempt: Attempt | None, actions: Collection[str]
) -> dict[str, tuple[Step, ...]]:
    """The steps of those actions that are declared: in a live attempt with the values pinned at its start."""
    pinned = attempt.pinned if attempt is not None and attempt.live else {}
    return {
        action.name: pinned.get(action.name, action.steps)
        for action in playbook.actions
        if action.name in actions
    }


async def rehearse_all(
    targets: Mapping[str, Target], steps: Mapping[str, Sequence[Step]]
) -> list[RehearsedAction]:
    """All steps, by their actions. Most actions share theirs, and a target is asked once."""
    different: list[Step] = []
    for step in (step for of_action in steps.values() for step in of_action):
        if step not in different:
            different.append(step)
    results = await asyncio.gather(*(rehearsed(targets, step) for step in different))
    return [
        RehearsedAction(action, tuple(results[different.index(step)] for step in of_action))
        for action, of_action in steps.items()
    ]


def drilled(
    found: Sequence[RehearsedAction],
    playbook: Playbook,
    attempt: Attempt | None,
    by: str,
    redact: Callable[[str], str],
) -> Decision:
    """The answer to a drill, each call in a line. That nothing softer would work speaks against no rollback."""
    wrong = problems([one for one in found if one.action in names.ACTING])
    softer = [one for one in found if one.action not in names.ACTING]
    lacks = problems(softer) if softer else ()
    lines = [
        f"{one.action}: {step.call or step.step.kind}: {step.reason}" for one in found for step in one.steps
    ]
    return Decision(
        verdict=Verdict.refuse if wrong or lacks else Verdict.note,
        reason="not-ready" if wrong else "reduce-not-ready" if lacks else "ready",
        text=redact("\n".join(lines or wrong)),
        rollout=playbook.rollout,
        action="drill",
        by=by,
        attempt=attempt.id if attempt else 0,
        changes=(SetReady(redact("; ".join(wrong))),) if attempt and attempt.live else (),
    )


def problems(rehearsed: Sequence[RehearsedAction]) -> tuple[str, ...]:
    """Why a rollback would not work; empty when it would."""
    if not any(one.steps for one in rehearsed):
        return ("the playbook has no steps for any rollback; declare them",)
    lines: dict[str, list[str]] = {}  # most actions share their steps: what is missing is said once
    for one in rehearsed:
        for step in one.missing:
            lines.setdefault(f"{step.step.kind}: {step.reason}", []).append(one.action)
    return tuple(_line(text, list(dict.fromkeys(actions))) for text, actions in lines.items())


def _line(text: str, actions: list[str]) -> str:
    others = f" ({' and '.join(actions[1:])} as well)" if actions[1:] else ""
    return f"{actions[0]}, {text}{others}"


def warnings(rehearsed: Sequence[RehearsedAction]) -> tuple[str, ...]:
    """Warnings of a rollback that would work, each once."""
    return tuple(dict.fromkeys(step.warning for one in rehearsed for step in one.steps if step.warning))


def causes(rehearsed: Sequence[RehearsedAction]) -> tuple[str, ...]:
    """The same without words that may differ from one time to the next."""
    return tuple(f"{what(step.step)}: {step.cause}" for one in rehearsed for step in one.missing)
