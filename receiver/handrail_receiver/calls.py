"""A person's call → rehearsal, decision, outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.contract import Playbook, Step, names

from handrail_receiver.errors import TargetError
from handrail_receiver.guard import Guard
from handrail_receiver.model import Decision, Run
from handrail_receiver.operate import Asked, answer
from handrail_receiver.ports import Rehearsal, Target

WAIT = 20.0


@dataclass(frozen=True)
class Rehearsed:
    """All steps of an action, rehearsed."""

    action: str
    steps: tuple[Rehearsal, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it could not be carried out now, a line for each step that is not ready."""
        return tuple(f"{self.action}, {one.step.kind}: {one.reason}" for one in self.steps if not one.ready)


@dataclass(frozen=True)
class Calls:
    """Answers people. A start is preceded by the question "can I roll back?"."""

    guard: Guard
    targets: Mapping[str, Target]

    async def call(self, playbook: Playbook, asked: Asked) -> tuple[Decision, Run | None]:
        """Decide on a call and wait a while for what it opened."""
        if asked.verb in {"start", "rollback"}:
            asked = await self._rehearsed(playbook, asked)
        now = self.guard.conditions()
        decision = await self.guard.apply(
            playbook.rollout, lambda history: answer(asked, playbook, history, now)
        )
        return decision, await self.guard.ended(decision, WAIT)

    async def rehearse(self, playbook: Playbook) -> list[Rehearsed]:
        """What each acting action would do, by reading only."""
        acting = [action for action in playbook.actions if action.name in names.ACTING]
        return [
            Rehearsed(action.name, tuple(await asyncio.gather(*map(self._rehearse, action.steps))))
            for action in acting
        ]

    async def _rehearsed(self, playbook: Playbook, asked: Asked) -> Asked:
        found = await self.rehearse(playbook)
        pinned = {one.action: tuple(step.step for step in one.steps) for one in found}
        problems = tuple(problem for one in found for problem in one.problems)
        if not any(one.steps for one in found):
            problems = ("the playbook has no steps for any rollback",)
        return replace(asked, pinned=pinned, not_ready=problems)

    async def _rehearse(self, step: Step) -> Rehearsal:
        target = self.targets.get(step.kind)
        if target is None:
            return Rehearsal(ready=False, reason="this receiver has no target for it", step=step, call="")
        try:
            async with asyncio.timeout(step.timeout):
                return await target.rehearse(step)
        except TargetError as error:
            return Rehearsal(ready=False, reason=str(error), step=step, call="")
        except TimeoutError:
            return Rehearsal(ready=False, reason=f"no answer within {step.timeout:g} s", step=step, call="")
