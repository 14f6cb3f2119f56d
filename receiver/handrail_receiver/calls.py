"""A person's call → rehearsal, decision, outcome."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from handrail.contract import Criterion, Playbook, Step, names

from handrail_receiver.errors import Cause, Permanent, TargetError
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.model import Captured, Decision, Run, Verdict
from handrail_receiver.operate import Asked, answer
from handrail_receiver.ports import Rehearsal, Target
from handrail_receiver.prometheus import Asks

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
    prometheus: Asks
    redact: Callable[[str], str]

    async def call(self, playbook: Playbook, asked: Asked) -> tuple[Decision, Run | None]:
        """Decide on a call and wait a while for what it opened."""
        asked = replace(asked, why=self.redact(asked.why))
        if asked.verb == "drill":
            return await self._drill(playbook, asked), None
        if asked.verb in {"start", "rollback"}:
            asked = await self._rehearsed(playbook, asked)
        if asked.verb == "start":
            asked = await self._captured(playbook, asked, names.BEFORE)
        if asked.verb == "promote":
            asked = await self._gate(playbook, asked)
        now = self.guard.conditions()
        decision = await self.guard.apply(
            playbook.rollout,
            lambda history: with_tells(answer(asked, playbook, history, now), playbook),
        )
        return decision, await self.guard.ended(decision, WAIT)

    async def rehearse(self, playbook: Playbook) -> list[Rehearsed]:
        """What each acting action would do, by reading only."""
        acting = [action for action in playbook.actions if action.name in names.ACTING]
        return [
            Rehearsed(action.name, tuple(await asyncio.gather(*map(self._rehearse, action.steps))))
            for action in acting
        ]

    async def _drill(self, playbook: Playbook, asked: Asked) -> Decision:
        """What a rollback would do now, in the exact calls, by reading only; kept as evidence."""
        found = await self.rehearse(playbook)
        steps = [(one.action, step) for one in found for step in one.steps]
        ready = bool(steps) and all(step.ready for _, step in steps)
        lines = [f"{action}: {step.call or step.step.kind}: {step.reason}" for action, step in steps]
        verdict, reason = (Verdict.note, "ready") if ready else (Verdict.refuse, "not-ready")
        text = self.redact("\n".join(lines)) or "the playbook has no steps for any rollback; declare them"
        decision = Decision(verdict, reason, text, rollout=playbook.rollout, action="drill", by=asked.by)
        return await self.guard.apply(playbook.rollout, lambda _: decision)

    async def _rehearsed(self, playbook: Playbook, asked: Asked) -> Asked:
        found = await self.rehearse(playbook)
        pinned = {one.action: tuple(step.step for step in one.steps) for one in found}
        problems = tuple(problem for one in found for problem in one.problems)
        if not any(one.steps for one in found):
            problems = ("the playbook has no steps for any rollback",)
        return replace(asked, pinned=pinned, not_ready=problems)

    async def _captured(self, playbook: Playbook, asked: Asked, reference: str) -> Asked:
        """The figures that later limits are relative to; without one of them a guardrail would be blind."""
        captured, problems = [], []
        for guardrail in playbook.guardrails:
            for query in guardrail.references:
                if query.reference != reference:
                    continue
                try:
                    captured.append(Captured(guardrail.name, reference, await self._figure(query.expr)))
                except TargetError as error:
                    problems.append(f"{guardrail.name}: its figure {reference!r} cannot be captured: {error}")
        return replace(asked, captured=tuple(captured), not_ready=(*asked.not_ready, *problems))

    async def _figure(self, expr: str) -> float:
        values = await self.prometheus.values(expr)
        if len(values) != 1 or not math.isfinite(values[0]):
            found = ", ".join(f"{value:g}" for value in values) or "nothing"
            raise Permanent(Cause.missing, f"{expr} gives {found}, not one number")
        return values[0]

    async def _gate(self, playbook: Playbook, asked: Asked) -> Asked:
        """What must be true to enter the next stage, and what the current one came to."""
        attempt = (await self.guard.store.attempts.history(playbook.rollout, self.guard.clock.now())).attempt
        if attempt is None:
            return asked
        stages = [stage.name for stage in playbook.stages]
        following = stages[stages.index(attempt.stage) + 1 :][:1] if attempt.stage in stages else []
        asked = await self._captured(playbook, asked, names.stage_reference(attempt.stage))
        problems: list[str] = []
        for gate in playbook.gates:
            if gate.into in following:
                problems += [await self._criterion(one) for one in gate.criteria]
                problems += [f"nobody has answered {question!r}" for question in gate.manual]
                problems += [f"nobody has approved as {role!r}" for role in gate.approvals]
        return replace(asked, not_ready=(*asked.not_ready, *filter(None, problems)))

    async def _criterion(self, criterion: Criterion) -> str:
        """Why a criterion is not met, empty when it is. No answer and no data are not a yes."""
        try:
            broken = await self.prometheus.values(criterion.expr)
            seen = await self.prometheus.values(criterion.seen)
        except TargetError as error:
            return f"{criterion.guardrail}: {criterion.text}: unknown: {error}"
        if broken:
            return f"{criterion.guardrail}: not so over the whole stage: {criterion.text}"
        return (
            ""
            if seen
            else f"{criterion.guardrail}: {criterion.text}: unknown: no data, or too little traffic"
        )

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
