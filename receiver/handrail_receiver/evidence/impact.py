"""An incident whose rollback got through + what Prometheus recorded → its impact, computed once and kept as evidence."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import SPAN, Playbook, names

from handrail_receiver.errors import UNREADABLE, Retryable, StoreDown, TargetError
from handrail_receiver.model import (
    HANDRAIL,
    WORKED,
    AttemptState,
    Decision,
    History,
    Impact,
    Incident,
    IncidentEvent,
    Note,
    RunState,
    Verdict,
)
from handrail_receiver.outside.prometheus_history import Recorded, Span
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.words.times import when

log = logging.getLogger("handrail")
EVERY = 5.0
SETTLES = timedelta(seconds=30)
"""How long after its end what was scraped of it is complete."""

TRIES_FOR = timedelta(minutes=30)
"""How long Prometheus is asked again while it does not answer."""

CLOSED_FOR = timedelta(days=1)
"""An incident that was closed before its impact could be computed gets it anyway, for that long."""

SINCE = "ALERTS_FOR_STATE{{{labels}}}"
"""When an alert's condition first held, as Prometheus keeps it: the first evaluation that failed."""


@dataclass(frozen=True)
class Ended:
    """When the canary had no traffic any more; None where nobody has proved that, and why."""

    at: datetime | None
    why: str = ""


def ended(history: History) -> Ended | None:
    """The end of what an attempt's rollbacks are for; None while they are under way."""
    attempt = history.attempt
    if attempt is None or attempt.state in {AttemptState.rolling_back, AttemptState.active}:
        return None
    over = [run for run in history.rollbacks if run.state in WORKED and run.finished_at is not None]
    if not over:
        return Ended(None, f"no rollback of attempt {attempt.number} got through; it is {attempt.state}")
    return Ended(max(run.finished_at for run in over if run.finished_at is not None))


def exposed(one: Incident, playbook: Playbook, history: History) -> float | None:
    """The share of traffic (0..1) that the canary was given when it was rolled back, or was about to be given."""
    weights = {stage.name: stage.weight for stage in playbook.stages}
    tried = history.entering
    reached = [one.stage, *([tried.key] if tried and tried.state == RunState.superseded else [])]
    known = [weights.get(name) for name in reached]
    return max((weight for weight in known if weight is not None), default=None)


@dataclass(frozen=True)
class ImpactWatch:
    """Looks for incidents that are over in the targets and whose impact nobody has computed yet."""

    store: Store
    playbooks: Playbooks
    recorded: Recorded
    clock: Clock
    _again: dict[str, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("no impact can be computed: %s", error)
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Look once at each incident that is open, or was closed lately."""
        now = self.clock.now()
        for one in await self.store.incidents.open_since(now - CLOSED_FOR):
            if one.impact is None and self._again.get(one.id, now) <= now:
                try:
                    await self._take(one, now)
                except UNREADABLE as error:
                    log.warning("the attempt of %s cannot be read: %s", one.id, " ".join(str(error).split()))
                    self._again[one.id] = now + TRIES_FOR

    async def _take(self, one: Incident, now: datetime) -> None:
        past = await self.store.archive.attempt(one.rollout, one.number, now, 1)
        over = ended(past[0]) if past else None
        if past is None or over is None or (over.at is not None and now < over.at + SETTLES):
            return
        history = past[0]
        newest = self.playbooks.get(one.rollout)
        playbook = (history.attempt.playbook if history.attempt else None) or newest
        if playbook is None:
            return
        impact, passes = await self.impact(one, playbook, history, over)
        if passes and now < (over.at or one.opened) + TRIES_FOR:
            self._again[one.id] = now + SETTLES
            return
        await self.store.attempts.apply(one.rollout, lambda _: _kept(one, impact), now)

    async def impact(
        self, one: Incident, playbook: Playbook, history: History, over: Ended
    ) -> tuple[Impact, bool]:
        """The impact, and whether Prometheus may know more of it later."""
        unknown: dict[str, str] = {} if over.at is not None else {"ended": over.why}
        began, passes = await self._began(one, playbook, history, unknown)
        share = exposed(one, playbook, history)
        if share is None:
            unknown["share"] = "the stage is not set by weight"
        failed: dict[str, float] = {}
        if began is None or over.at is None:
            unknown["failed"] = "from when to when is not known"
        else:
            passes |= await self._failed(playbook, began, over.at + SETTLES, failed, unknown)
        return Impact(began, over.at, share, failed, unknown), passes

    async def _began(
        self, one: Incident, playbook: Playbook, history: History, unknown: dict[str, str]
    ) -> tuple[datetime | None, bool]:
        """The first evaluation in which the limit was broken."""
        guardrail, _, name = one.source.rpartition("/")
        tier = playbook.tier(guardrail, name)
        if tier is None:
            unknown["began"] = f"{one.by} asked for it; no alert says since when"
            return None, False
        runs = [run for run in history.runs if run.action in names.ACTING]
        at = min((run.decided_at for run in runs), default=one.opened)
        labels = {names.ALERTNAME: tier.alertname, names.ROLLOUT: one.rollout}
        if playbook.environment:
            labels[names.ENVIRONMENT] = playbook.environment
        expr = SINCE.format(labels=",".join(f'{name}="{text}"' for name, text in labels.items()))
        try:
            since = await self._newest(expr, at)
        except TargetError as error:
            unknown["began"] = str(error)
            return None, isinstance(error, Retryable)
        if not since:
            unknown["began"] = f"Prometheus has no {expr} of {when(at)}"
            return None, False
        return datetime.fromtimestamp(min(since), at.tzinfo), False

    async def _failed(
        self,
        playbook: Playbook,
        began: datetime,
        until: datetime,
        failed: dict[str, float],
        unknown: dict[str, str],
    ) -> bool:
        """How many requests failed, guardrail by guardrail; whether Prometheus may know more later."""
        asked: Mapping[str, str] = {one.name: one.failed for one in playbook.guardrails if one.failed}
        passes, span = False, f"{max(1, math.ceil((until - began).total_seconds()))}s"
        if not asked:
            unknown["failed"] = "no guardrail counts failed requests"
        for name, expr in asked.items():
            try:
                counts = await self._newest(expr.replace(SPAN, span), until)
            except TargetError as error:
                unknown[f"failed: {name}"] = str(error)
                passes |= isinstance(error, Retryable)
                continue
            if len(counts) == 1:
                failed[name] = float(round(counts[0]))
            else:
                unknown[f"failed: {name}"] = f"Prometheus has no samples of it up to {when(until)}"
        return passes

    async def _newest(self, expr: str, at: datetime) -> list[float]:
        """The finite values of an expression at an instant."""
        series = await self.recorded.series(expr, Span(at, at, timedelta(seconds=1)))
        values = [float(one.points[-1][1]) for one in series if one.points]
        return [value for value in values if math.isfinite(value)]


def _kept(one: Incident, impact: Impact) -> Decision:
    """The record of an impact; the store keeps the first, where another receiver was faster."""
    note = Note(one.attempt, IncidentEvent.impact, "computed from what Prometheus recorded", impact.said())
    return Decision(  # a verdict that is no news: the event is the only record of it
        Verdict.repeat,
        "impact",
        "the impact is kept",
        rollout=one.rollout,
        by=HANDRAIL,
        attempt=one.attempt,
        changes=(note,),
    )
