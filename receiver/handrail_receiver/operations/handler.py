"""A person's call → preflight and rehearsal, decision, outcome."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from handrail.contract import GivenArms, Playbook, names

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.errors import UNREADABLE, Cause, Permanent, TargetError
from handrail_receiver.gates.criteria import AskCriteria, Criteria
from handrail_receiver.gates.gate import (
    NOT_ASKED_WHAT_FIRES,
    Approver,
    FiringTiers,
    GateInputs,
    GateStatus,
    judge,
    next_gate,
)
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.model import (
    HANDRAIL,
    LOOKED_BACK,
    Attempt,
    AttemptState,
    Begin,
    Captured,
    Decision,
    History,
    Run,
    Verdict,
    entry_key,
    in_force,
    last_told,
)
from handrail_receiver.operations.always_guarded import (
    BY_ITSELF,
    FOLLOWS,
    begin_guarding,
    follow_newest,
)
from handrail_receiver.operations.call import NO_INPUTS, Call, stands
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.operations.due import went_on
from handrail_receiver.operations.given_versions import (
    GIVING,
    ReadVersion,
    not_given,
    reads_nothing,
    with_versions,
    with_versions_read,
)
from handrail_receiver.operations.preflight import Labels, Preflight, firing, preflight, traffic_of
from handrail_receiver.operations.rehearsing import (
    RehearsedAction,
    causes,
    drilled,
    problems,
    rehearse_all,
    steps_of,
    warnings,
)
from handrail_receiver.operations.shared_targets import kept_otherwise, may_keep, steps_ahead
from handrail_receiver.outside.probes import Probes
from handrail_receiver.outside.prometheus import Queryable
from handrail_receiver.ports import Target

log = logging.getLogger("handrail")
WAIT = 20.0
GATED = ("start", "approve", "promote", "retry", "check")
FORWARD = ("start", "promote", "retry")
"""What gives the canary more, or may: it is looked at first whether that would be seen."""
NOT_ASKED = Preflight()


def _naming(decision: Decision, artifact: str) -> Decision:
    """The decision with what goes out in the attempt that it begins, for the evidence."""
    begins = any(isinstance(change, Begin) for change in decision.changes)
    known = {**decision.known, "artifact": artifact}
    return replace(decision, known=known) if artifact and begins else decision


def _still_there(attempt: Attempt, history: History) -> bool:
    """Whether an attempt is in the stage in which it was, and may go on automatically."""
    now = history.attempt
    same = now is not None and (now.id, now.stage) == (attempt.id, attempt.stage)
    return same and may(state_of(history), "promote", "receiver")


@dataclass(frozen=True)
class CallHandler:
    """Answers people. Before a start and a promotion it asks two questions: would a rollback work, and are there data
    to see a fault?
    """

    guard: Guard
    targets: Mapping[str, Target]
    prometheus: Queryable
    redact: Callable[[str], str]
    criteria: Criteria
    approvers: Callable[[], frozenset[Approver]]
    begun: Callable[[Sequence[Labels]], Awaitable[None]]
    probes: Probes
    read_version: ReadVersion = reads_nothing

    async def call(self, playbook: Playbook, call: Call) -> tuple[Decision, Run | None]:
        """Decide a call, and wait a while for the run that it opened."""
        call = call.cleaned(self.redact)
        try:
            attempt = await self._attempt(playbook)
        except UNREADABLE:
            return await self._unreadable(playbook, call)
        call = await with_versions_read(call, playbook, attempt, self.read_version)
        newest = with_versions(call, playbook, attempt)
        playbook = in_force(attempt, newest)
        call = replace(call, looked_at=stands(attempt))
        if call.verb in GIVING and not_given(call, playbook, attempt):
            return await self._decided(newest, call), None
        if call.verb == "drill":
            return await self._drill(playbook, call), None
        call, before = await self._looked_up(newest, playbook, call)
        decision = await self._decided(newest, call)
        await self._hand_over(playbook, decision, before)
        return decision, await self.guard.ended(decision, WAIT)

    async def go_on(self, newest: Playbook, to: str) -> Decision:
        """Promote an attempt whose gate is open by itself; what stands against it is told once for each reason."""
        attempt = await self._attempt(newest)
        playbook = in_force(attempt, newest)
        call = Call("promote", HANDRAIL, "its gate is open", to=to, looked_at=stands(attempt), itself=True)
        call, _ = await self._looked_up(newest, playbook, call)
        call = replace(call, no_way_back=self._clean(call.no_way_back), not_ready=self._clean(call.not_ready))
        told = last_told(await self.guard.store.evidence.newest(playbook.rollout, LOOKED_BACK))
        before, now = frozenset(told.causes if told else ()), self.guard.conditions()

        def decided(history: History) -> Decision:
            made = decide_call(call, newest, history, now)
            if attempt is None or not _still_there(attempt, history):
                return replace(
                    made, verdict=Verdict.repeat
                )  # another receiver was faster, or something came between
            causes = frozenset(f"{to}: {cause}" for cause in (made.reason, *call.causes))
            own = in_force(history.attempt, newest)
            return with_tells(went_on(made, causes, before, own), own)

        return await self.guard.apply(newest.rollout, decided)

    async def _looked_up(self, newest: Playbook, playbook: Playbook, call: Call) -> tuple[Call, Preflight]:
        """A call with all that is found out before it is decided."""
        if call.verb == "adopt":
            call = await self._rehearsed_anew(newest, call)
        if call.verb in {"start", "promote", "retry"}:
            call = await self._rehearsed(playbook, call)
        if call.verb == "start":
            call = await self._captured(playbook, call, names.BEFORE)
        if call.verb in FORWARD:
            call = await self._kept_by_others(playbook, call)
        if call.verb in {"promote", "retry"}:
            call = await self._left(playbook, call)
        if call.verb == "start" and isinstance(playbook.arms, GivenArms):
            call = replace(call, traffic=await traffic_of(self.prometheus, playbook.arms))
        before = await self._before(playbook, call)
        if call.verb in GATED:
            call = await self._gate(playbook, call, before)
        return call, before

    async def _decided(self, newest: Playbook, call: Call) -> Decision:
        now = self.guard.conditions()
        return await self.guard.apply(
            newest.rollout,
            lambda history: with_tells(
                _naming(decide_call(call, newest, history, now), self.redact(call.artifact)),
                in_force(history.attempt, newest),
            ),
        )

    async def _unreadable(self, newest: Playbook, call: Call) -> tuple[Decision, Run | None]:
        """The answer where the attempt cannot be read: a person who rolls back is never refused for that."""
        now = self.guard.conditions()
        decision = await self.guard.apply(
            newest.rollout, lambda history: with_tells(decide_call(call, newest, history, now), newest)
        )
        return decision, await self.guard.ended(decision, WAIT)

    async def begin_guarding(self, playbook: Playbook) -> Decision | None:
        """Begin the one attempt of a rollout without stages, or let it go by the newest playbook; None: nothing to do."""
        now = self.guard.conditions()
        attempt = await self._attempt(playbook)
        if attempt is not None and attempt.live and attempt.playbook != playbook:
            return await self._follow(playbook)
        if now.blind or now.stopped or attempt is not None:
            return None
        call = await self._captured(playbook, await self._rehearsed(playbook, BY_ITSELF), names.BEFORE)
        call = replace(call, no_way_back=self._clean(call.no_way_back), not_ready=self._clean(call.not_ready))
        told = last_told(await self.guard.store.evidence.newest(playbook.rollout, LOOKED_BACK, ("decision",)))
        before = await preflight(self.prometheus, playbook)
        decision = await self.guard.apply(
            playbook.rollout, lambda history: begin_guarding(call, playbook, history, now, told)
        )
        await self._hand_over(playbook, decision, before)
        return decision

    async def _follow(self, newest: Playbook) -> Decision:
        """The one attempt of a rollout without stages follows the newest playbook, once it could be rolled back by."""
        now = self.guard.conditions()
        call = await self._rehearsed_anew(newest, FOLLOWS)
        call = replace(call, no_way_back=self._clean(call.no_way_back))
        told = last_told(await self.guard.store.evidence.newest(newest.rollout, LOOKED_BACK, ("decision",)))
        return await self.guard.apply(
            newest.rollout, lambda history: follow_newest(call, newest, history, now, told)
        )

    async def gate(
        self,
        playbook: Playbook,
        history: History,
        fires: FiringTiers = NOT_ASKED_WHAT_FIRES,
        *,
        fresh: bool = False,
        ask: AskCriteria | None = None,
    ) -> GateStatus | None:
        """How the gate ahead stands, for somebody who looks; None where none comes. `fresh`: by no earlier answer."""
        at = next_gate(playbook, history, NO_INPUTS, self.guard.clock.now())
        if at is None:
            return None
        criteria, probes = ((), ()) if at.bakes else (at.gate.criteria, playbook.probes)
        inputs = GateInputs(
            await (ask or (self.criteria.ask if fresh else self.criteria.recent))(criteria, at.baked_since),
            self.approvers(),
            fires,
            await self._others(playbook),
            await (self.probes.ask if fresh else self.probes.recent)(probes),
            await self._made(playbook, history),
        )
        return judge(replace(at, inputs=inputs))

    async def _made(self, playbook: Playbook, history: History) -> Mapping[str, bool | None]:
        """The declared checks and load bursts of the stage that were made, where a gate asks for them."""
        attempt = history.attempt
        if attempt is None or not attempt.live or not any(gate.checks for gate in playbook.gates):
            return {}
        return await self.guard.store.snapshots.scheduled(playbook.rollout, entry_key(attempt))

    async def _others(self, playbook: Playbook) -> Mapping[str, str]:
        """The state of each rollout that this one waits for."""
        now, states = self.guard.clock.now(), dict[str, str]()
        for name in playbook.waits_for:
            try:
                states[name] = state_of(await self.guard.store.attempts.history(name, now))
            except UNREADABLE:
                states[name] = "unknown"
        return states

    async def rehearse(self, playbook: Playbook, attempt: Attempt | None = None) -> list[RehearsedAction]:
        """What each acting action would do, by reading only: in a live attempt with the values pinned at its start."""
        return await rehearse_all(self.targets, steps_of(playbook, attempt, names.ACTING))

    async def _drill(self, playbook: Playbook, call: Call) -> Decision:
        """What a rollback would do now, and whatever is softer, in the exact calls, by reading only; kept as evidence, and
        as the answer to "can I roll back?" of the attempt that runs.
        """
        attempt = await self._attempt(playbook)
        found = await rehearse_all(self.targets, steps_of(playbook, attempt, {*names.ACTING, names.REDUCE}))
        decision = drilled(found, playbook, attempt, call.by, self.redact)
        return await self.guard.apply(playbook.rollout, lambda _: decision)

    async def _rehearsed(self, playbook: Playbook, call: Call) -> Call:
        """Whether it could be rolled back, and for a start with which values."""
        return self._with(await self.rehearse(playbook, await self._attempt(playbook)), call)

    async def _rehearsed_anew(self, newest: Playbook, call: Call) -> Call:
        """The same of the playbook that is to be adopted, whatever is pinned."""
        return self._with(await self.rehearse(newest), call)

    def _with(self, rehearsed: list[RehearsedAction], call: Call) -> Call:
        pinned = {one.action: tuple(step.step for step in one.steps) for one in rehearsed}
        return replace(
            call,
            pinned=pinned,
            no_way_back=problems(rehearsed),
            warnings=warnings(rehearsed),
            causes=(*call.causes, *causes(rehearsed)),
        )

    async def _kept_by_others(self, playbook: Playbook, call: Call) -> Call:
        """Which targets of the stage ahead the rollback of another rollout keeps otherwise."""
        now, history = self.guard.clock.now(), self.guard.store.attempts.history
        steps = steps_ahead(playbook, await history(playbook.rollout, now), call.verb)
        for other in self.guard.playbooks.all():
            if other.rollout == playbook.rollout or not may_keep(other, steps):
                continue
            with suppress(*UNREADABLE):
                kept = kept_otherwise(steps, other, await history(other.rollout, now), now)
                causes = (*call.causes, f"kept by {other.rollout}") if kept else call.causes
                call = replace(call, not_ready=(*call.not_ready, *kept), causes=causes)
        return call

    def _clean(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self.redact, lines))

    async def _attempt(self, playbook: Playbook) -> Attempt | None:
        return (await self.guard.store.attempts.history(playbook.rollout, self.guard.clock.now())).attempt

    async def _captured(self, playbook: Playbook, call: Call, reference: str) -> Call:
        """The figures that later limits are relative to; without one of them a guardrail would be blind."""
        captured, problems, causes = [], [], []
        for guardrail in playbook.guardrails:
            for query in guardrail.references:
                if query.reference != reference:
                    continue
                try:
                    figures = await self._figures(query.expr)
                    captured += [
                        Captured(guardrail.name, reference, value, labels)
                        for labels, value in figures.items()
                    ]
                except TargetError as error:
                    problems.append(f"{guardrail.name}: its figure {reference!r} cannot be captured: {error}")
                    causes.append(f"{guardrail.name}, {reference}: {error.cause}")
        return replace(
            call,
            captured=tuple(captured),
            not_ready=(*call.not_ready, *problems),
            causes=(*call.causes, *causes),
        )

    async def _figures(self, expr: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The number that a query gives, or one for each value of the labels that its result says it is by."""
        figures = [
            (
                tuple(sorted(one for one in sample.labels.items() if one[0].startswith(names.REFERENCE_BY))),
                sample.value,
            )
            for sample in await self.prometheus.samples(expr)
        ]
        numbers = dict(figures)
        if not numbers or len(numbers) != len(figures) or not all(map(math.isfinite, numbers.values())):
            text = ", ".join(f"{value:g}" for _, value in figures) or "nothing"
            raise Permanent(Cause.missing, f"{expr} gives {text}, not one number")
        return numbers

    async def _gate(self, playbook: Playbook, call: Call, before: Preflight) -> Call:
        """What the gate ahead is judged by; where none comes, what fires is said beside it."""
        now = self.guard.clock.now()
        history = await self.guard.store.attempts.history(playbook.rollout, now)
        at = next_gate(playbook, history, NO_INPUTS, now)
        criteria = await self.criteria.ask(at.gate.criteria, at.baked_since) if at and not at.bakes else {}
        fire = [f"{source} fires" for source in before.fires.sources if at is None]
        probes = self.probes.ask if call.verb in FORWARD else self.probes.recent
        return replace(
            call,
            gate_inputs=GateInputs(
                criteria,
                self.approvers(),
                before.fires,
                await self._others(playbook),
                await probes(playbook.probes) if at and not at.bakes else {},
                await self._made(playbook, history),
            ),
            not_ready=(*call.not_ready, *before.problems, *fire),
            causes=(*call.causes, *before.causes, *fire),
        )

    async def _before(self, playbook: Playbook, call: Call) -> Preflight:
        """What stands against going forward; a rollback that is tried again waits for nobody's answer."""
        attempt = await self._attempt(playbook)
        back = attempt is not None and attempt.state == AttemptState.rolling_back
        if call.verb not in FORWARD or back:
            return NOT_ASKED
        now = self.guard.clock.now()
        return (await preflight(self.prometheus, playbook)).asked(now)

    async def _hand_over(self, playbook: Playbook, decision: Decision, before: Preflight) -> None:
        """What fired before an attempt began counts for it too, though nobody may say it again for hours."""
        if not any(isinstance(change, Begin) for change in decision.changes):
            return
        try:
            await self.begun(await firing(self.prometheus, playbook))
        except TargetError:
            await self.begun(before.alerts)

    async def _left(self, playbook: Playbook, call: Call) -> Call:
        """What the stage that is left came to."""
        history = await self.guard.store.attempts.history(playbook.rollout, self.guard.clock.now())
        attempt = history.attempt
        if attempt is None or (call.verb == "retry" and history.reduced is not None):
            return call
        return await self._captured(playbook, call, names.stage_reference(attempt.stage))
