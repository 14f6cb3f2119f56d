"""The declared load bursts of each attempt → carried out at their moment, once, and kept as evidence.

That one begins is decided in one write with the attempt as it stands, so that no receiver and no restart begins it again.
What was begun and has no end was interrupted, and is recorded as that: at once where no other receiver may carry it out,
and else after its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from handrail.contract import BurstFacts, Playbook, names

from handrail_receiver.errors import UNREADABLE, StoreDown, TargetError
from handrail_receiver.evidence.burst import BURST, BurstRun, Ended, due_at
from handrail_receiver.evidence.snapshot import digest_of
from handrail_receiver.guard import Guard
from handrail_receiver.load.burst_requests import Sending
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
from handrail_receiver.words.whose import fire

log = logging.getLogger("handrail")
LOOK_EVERY = 2.0
WATCH_EVERY = 0.5
LONGEST = timedelta(hours=1)
"""No burst may last longer."""
GRACE = timedelta(seconds=30)
"""How long after its time the end of a burst may be recorded by whoever carries it out."""
BEGUN = "burst: "
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
    return {
        f"{guardrail.name}/{tier.tier}"
        for guardrail in playbook.guardrails
        for tier in guardrail.tiers
        if not tier.shadow and tier.tier != names.BLIND
    }


@dataclass
class Bursts:
    """Carries them out, one at a time. `outside` shares no connection with what rolls back."""

    guard: Guard
    playbooks: Playbooks
    outside: Outside
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Carry out what is due until cancelled; what is under way is interrupted then, and recorded as that."""
        try:
            while True:
                try:
                    await self.step()
                except StoreDown as error:
                    log.warning("no load burst can be made: %s", error)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def step(self) -> None:
        """Begin what is due now, and record what was interrupted."""
        for attempt in await self.guard.store.attempts.current():
            newest = self.playbooks.get(attempt.rollout)
            playbook = in_force(attempt, newest) if newest else attempt.playbook
            if playbook is None or not playbook.bursts:
                continue
            try:
                await self._of(playbook, attempt)
            except UNREADABLE:
                log.exception("no load burst of %s can be made", attempt.rollout)

    async def ended(self) -> None:
        """Wait until none is under way."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _of(self, playbook: Playbook, attempt: Attempt) -> None:
        now, running = self.guard.clock.now(), frozenset(self._running)  # what ends now has an end in `made`
        made = await self.guard.store.snapshots.scheduled(attempt.rollout, f"{attempt.id}/")
        history = await self.guard.store.attempts.history(attempt.rollout, now)
        open_ones = {
            name.removeprefix(BEGUN): at for name, at in history.once.items() if name.startswith(BEGUN)
        }
        for key, begun_at in open_ones.items():
            burst = next((one for one in playbook.bursts if key.endswith(_tail(attempt, one))), None)
            longest = timedelta(seconds=burst.within) if burst else LONGEST
            over = not self.guard.store.engine.shared or now > begun_at + longest + GRACE
            if key in made or key in running:
                continue
            if burst is None and over:
                made = {
                    **made,
                    key: None,
                }  # the playbook that was adopted no longer has it; it is over in any case
            if burst is not None and over:
                text = "the receiver was stopped while it was under way; it is not repeated"
                gone = BurstRun(
                    burst, attempt.id, key, False, begun_at, now, "interrupted", text, (), known=False
                )
                await self._keep(playbook, gone)
        if not self._running and set(open_ones) <= set(made):
            for burst in self._due(playbook, attempt, {*open_ones, *made}):
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
            if f"{BEGUN}{key}" in history.once or against(burst, attempt, playbook, history, now):
                return NOT_NOW
            text = f"load burst {burst.label} of stage {burst.stage} begins: {burst.requests} requests by {burst.users} users to {burst.url}"
            return Decision(
                Verdict.note,
                "load-burst",
                text,
                rollout=attempt.rollout,
                action="load-burst",
                by=HANDRAIL,
                attempt=attempt.id,
                changes=(Once(f"{BEGUN}{key}"),),
            )

        made = await self.guard.apply(attempt.rollout, decided)
        if made.verdict == Verdict.note:
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

        async def keep(ended: Ended, why: str) -> None:
            now = self.guard.clock.now()
            sent = tuple(sending.sent)
            run = BurstRun(burst, attempt.id, key, late, begun_at, now, ended, why, sent)
            await self._keep(playbook, run)

        try:
            await keep(*await sending.run(stopped))
        except TargetError as error:
            await keep("stopped", str(error))
        except asyncio.CancelledError:
            await keep("interrupted", "the receiver was stopped; it is not repeated")
            raise
        except StoreDown as error:
            log.warning("the result of load burst %s cannot be kept: %s", key, error)
        except Exception as error:
            log.exception("a fault in load burst %s", key)
            await keep("stopped", f"a fault of Handrail's own: {type(error).__name__}: {error}")

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


def _tail(attempt: Attempt, burst: BurstFacts) -> str:
    """What the key of a burst ends with, whenever its stage was entered."""
    return "/" + moment_key(attempt, burst).split("/", 2)[2]
