"""The declared load bursts of each attempt → carried out at their moment, once, and kept as evidence.

That one begins is decided in one write with the attempt as it stands, so that no receiver and no restart begins it again.
What was begun and has no end was interrupted, and is recorded as that: at once where no other receiver may carry it out,
and else after its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import BurstFacts, Playbook, names

from handrail_receiver.errors import UNREADABLE, StoreDown, TargetError
from handrail_receiver.evidence.burst import BURST, BURST_BEGINS, BURST_WAITS, BurstRun, Ended, due_at
from handrail_receiver.evidence.snapshot import digest_of
from handrail_receiver.guard import Guard
from handrail_receiver.load_bursts.burst_requests import Sending
from handrail_receiver.model import (
    HANDRAIL,
    LATE,
    Attempt,
    AttemptState,
    Conditions,
    Decision,
    History,
    Once,
    Verdict,
    in_force,
    moment_key,
)
from handrail_receiver.outside import Outside
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.tasks import end
from handrail_receiver.words.whose import fire

log = logging.getLogger("handrail")
LOOK_EVERY = 2.0
WATCH_EVERY = 0.5
LONGEST = timedelta(hours=1)
"""No burst may last longer."""
GRACE = timedelta(seconds=30)
"""How long after its time the end of a burst may be recorded by whoever carries it out."""
LOOKED_BACK = timedelta(days=7)
"""So long after it began one that has no end is still recorded as interrupted."""
BEGUN, WAITS = "burst: ", "burst waits: "
NOT_NOW = Decision(Verdict.repeat, "not-now", "it may not begin any more")


def against(
    burst: BurstFacts, attempt: Attempt, playbook: Playbook, history: History, now: Conditions
) -> str:
    """Why a burst of an attempt may not begin, or go on; empty when it may."""
    newest = history.attempt
    if newest is None or newest.id != attempt.id or newest.state != AttemptState.active:
        return "its attempt does not go forward any more"
    if newest.stage != burst.stage:
        return f"stage {burst.stage} was left"
    if newest.held:
        return f"it is held: {newest.held}"
    if now.stopped:
        return "the kill switch is set"
    if now.blind:
        return now.blind
    firing = sorted({one.source for one in history.said if one.firing} & _counting(playbook))
    return fire(firing) if firing else ""


def _counting(playbook: Playbook) -> set[str]:
    """The tiers that speak against load: shadows do not, nor does a guardrail that lacks the traffic to see."""
    tiers = {f"{facts.name}/{tier.tier}" for facts in playbook.guardrails for tier in facts.tiers}
    return {one for one in tiers - playbook.aside if not one.endswith(f"/{names.BLIND}")}


@dataclass
class Bursts:
    """Carries them out, one at a time. `outside` shares no connection with what rolls back."""

    guard: Guard
    playbooks: Playbooks
    outside: Outside
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Carry out what is due until cancelled; what is under way is interrupted then, and recorded as that."""
        try:
            while True:
                try:
                    await self.step()
                except StoreDown as error:
                    log.warning("no load burst can be made: %s", error)
                except Exception:
                    log.exception("a fault in what bursts are due; what is under way goes on")
                await asyncio.sleep(LOOK_EVERY)
        finally:
            await end(self._running.values())

    async def step(self) -> None:
        """Record what was interrupted, and begin what is due now."""
        await self._interrupted()
        for attempt in await self.guard.store.attempts.current():
            playbook = self._book(attempt)
            if playbook is None or not playbook.bursts:
                continue
            try:
                await self._of(playbook, attempt)
            except StoreDown:
                raise
            except Exception:
                log.exception("no load burst of %s can be made", attempt.rollout)

    async def ended(self) -> None:
        """Wait until none is under way."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _book(self, attempt: Attempt) -> Playbook | None:
        newest = self.playbooks.get(attempt.rollout)
        return in_force(attempt, newest) if newest else attempt.playbook

    async def _interrupted(self) -> None:
        """What has begun, is under way nowhere and has no end; its attempt may be over, and the next one may have begun."""
        store, now = self.guard.store, self.guard.clock.now()
        for attempt, key, at in await store.past.happened(BEGUN, now - LOOKED_BACK):
            if key in self._ended or key in self._running:
                continue
            try:
                if key in await store.snapshots.scheduled(attempt.rollout, f"{attempt.id}/"):
                    self._ended.add(key)
                else:
                    await self._gone(attempt, key, at, now)
            except UNREADABLE:
                log.exception("the end of load burst %s cannot be kept", key)

    async def _gone(self, attempt: Attempt, key: str, begun_at: datetime, now: datetime) -> None:
        playbook = self._book(attempt)
        burst = _declared(playbook, attempt, key)
        if playbook is not None and burst is not None and self._over(burst, begun_at, now):
            text = "the receiver was stopped while it was under way; it is not repeated"
            gone = BurstRun(
                burst, attempt.id, key, False, begun_at, now, "interrupted", text, (), known=False
            )
            await self._keep(playbook, gone)

    def _over(self, burst: BurstFacts | None, begun_at: datetime, now: datetime) -> bool:
        """Whether nobody carries it out any more. One that an adopted playbook does not declare is over in any case."""
        longest = timedelta(seconds=burst.within) if burst else LONGEST
        return not self.guard.store.engine.shared or now > begun_at + longest + GRACE

    async def _of(self, playbook: Playbook, attempt: Attempt) -> None:
        now = self.guard.clock.now()
        made = await self.guard.store.snapshots.scheduled(attempt.rollout, f"{attempt.id}/")
        history = await self.guard.store.attempts.history(attempt.rollout, now)
        begun = {name.removeprefix(BEGUN): at for name, at in history.once.items() if name.startswith(BEGUN)}
        under_way = (
            key not in made and not self._over(_declared(playbook, attempt, key), at, now)
            for key, at in begun.items()
        )
        if not self._running and not any(under_way):
            for burst in self._due(playbook, attempt, {*begun, *made}):
                await self._begin(burst, playbook, attempt)
                break

    def _due(self, playbook: Playbook, attempt: Attempt, known: set[str]) -> Iterator[BurstFacts]:
        now = self.guard.clock.now()
        for burst in sorted(playbook.bursts, key=lambda one: one.at):
            is_due = burst.stage == attempt.stage and due_at(burst, attempt.stage_entered_at) <= now
            if attempt.state == AttemptState.active and is_due and moment_key(attempt, burst) not in known:
                yield burst

    async def _begin(self, burst: BurstFacts, playbook: Playbook, attempt: Attempt) -> None:
        """Decide that it begins, and carry it out beside everything else."""
        key, now = moment_key(attempt, burst), self.guard.conditions()

        def decided(history: History) -> Decision:
            if f"{BEGUN}{key}" in history.once:
                return NOT_NOW
            what = f"load burst {burst.label} of stage {burst.stage}"
            why = against(burst, attempt, playbook, history, now)
            if why and f"{WAITS}{key}" in history.once:
                return NOT_NOW
            text = f"{what} begins: {burst.requests} requests by {burst.users} users to {burst.url}"
            return Decision(
                Verdict.note,
                BURST_WAITS if why else BURST_BEGINS,
                f"{what} does not begin: {why}" if why else text,
                rollout=attempt.rollout,
                action="load-burst",
                by=HANDRAIL,
                attempt=attempt.id,
                changes=(Once(f"{WAITS if why else BEGUN}{key}"),),
                known={"burst": {"stage": burst.stage, "label": burst.label}},
            )

        made = await self.guard.apply(attempt.rollout, decided)
        if made.reason == BURST_BEGINS:
            task = asyncio.create_task(self._carry_out(burst, playbook, attempt, key), name=f"burst {key}")
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))

    async def _carry_out(self, burst: BurstFacts, playbook: Playbook, attempt: Attempt, key: str) -> None:
        begun_at = self.guard.clock.now()
        late = begun_at - due_at(burst, attempt.stage_entered_at) >= LATE
        sending = Sending(self.outside, self.guard.clock, burst)

        async def stopped() -> str:
            while True:
                why = await self._against(burst, attempt, playbook)
                if why:
                    return why
                await asyncio.sleep(WATCH_EVERY)

        def result(ended: Ended, why: str) -> BurstRun:
            now = self.guard.clock.now()
            return BurstRun(burst, attempt.id, key, late, begun_at, now, ended, why, tuple(sending.sent))

        try:
            run = result(*await sending.run(stopped))
        except TargetError as error:
            run = result("stopped", str(error))
        except asyncio.CancelledError:
            with suppress(StoreDown):
                await self._keep(
                    playbook, result("interrupted", "the receiver was stopped; it is not repeated")
                )
            raise
        except Exception as error:
            log.exception("a fault in load burst %s", key)
            run = result("stopped", f"a fault of Handrail's own: {type(error).__name__}: {error}")
        await self._keep_once_possible(playbook, run)

    async def _keep_once_possible(self, playbook: Playbook, run: BurstRun) -> None:
        """A store that is away stops a burst: what came of it is kept when the store is back."""
        while True:
            try:
                return await self._keep(playbook, run)
            except StoreDown as error:
                log.warning("the result of load burst %s cannot be kept yet: %s", run.key, error)
                await asyncio.sleep(LOOK_EVERY)

    async def _against(self, burst: BurstFacts, attempt: Attempt, playbook: Playbook) -> str:
        now = self.guard.conditions()
        try:
            history = await self.guard.store.attempts.history(attempt.rollout, now.now)
        except StoreDown:
            return "the store does not answer, so that nobody could stop it"
        return against(burst, attempt, playbook, history, now)

    async def _keep(self, playbook: Playbook, run: BurstRun) -> None:
        """Its log, and its record in the chain; those hear of it who are told of the checks of its stage."""
        rollout, checks = playbook.rollout, playbook.checks_of(run.burst.stage)
        tell = tuple(dict.fromkeys(one for check in checks for one in check.tell))
        text = self.outside.secrets.redact(run.log())
        record = run.record(digest_of(text)).model_dump(mode="json")
        await self.guard.store.snapshots.keep(
            rollout, BURST, str(record["log"]), text, record, run.ended_at, run.key, tell
        )
        log.info("%s %s", rollout, run.text())


def _declared(playbook: Playbook | None, attempt: Attempt, key: str) -> BurstFacts | None:
    """The burst with a key, whenever its stage was entered; None where it is not declared any more."""
    bursts = playbook.bursts if playbook else ()
    return next((one for one in bursts if key.endswith(_tail(attempt, one))), None)


def _tail(attempt: Attempt, burst: BurstFacts) -> str:
    """What the key of a burst ends with, whenever its stage was entered."""
    return "/" + moment_key(attempt, burst).split("/", 2)[2]
