"""Decisions → snapshots of what Prometheus had recorded around them, a moment later: no rollback waits for one.

What is due follows from the evidence: the decisions after the last snapshot. So a restart loses none; if Prometheus
is away it is asked again, because it keeps the data.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from handrail.contract import Playbook, names

from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.live_answers import Lookout
from handrail_receiver.evidence.snapshot import CHECKED, DECIDED, Snapshot, SnapshotRecord, digest_of
from handrail_receiver.evidence.snapshot_queries import SnapshotSubject, snapshot
from handrail_receiver.model import (
    HANDRAIL,
    Attempt,
    Decision,
    EvidenceRecord,
    Run,
    ScheduledCheck,
    in_force,
)
from handrail_receiver.outside.prometheus_history import Recorded
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.words.times import when

log = logging.getLogger("handrail")
LOOK_EVERY = 1.0
LOOKED_BACK = 500
APART = timedelta(seconds=10)
"""One snapshot serves all decisions of so long."""
AFTERWARDS = timedelta(seconds=10)
"""How long after its newest decision a snapshot ends."""
TRIED_FOR = timedelta(minutes=10)
"""After so long it is kept with what is missing."""
PAUSE = timedelta(seconds=30)


@dataclass(frozen=True)
class DueDecisions:
    """Decisions of an attempt that no snapshot was taken for, oldest first: the attempt's id, their numbers, what they are
    about, and when the newest of each gate was made, by the stage that the gate leads into.

    `baked` has since when the stage before had baked then, where a gate says so.
    """

    attempt: int
    numbers: tuple[int, ...]
    guardrails: frozenset[str]
    gates: Mapping[str, datetime]
    oldest: datetime
    newest: datetime
    baked: Mapping[str, datetime] = field(default_factory=dict)


def due(records: Sequence[EvidenceRecord]) -> list[DueDecisions]:
    """Of the newest records of a chain, the decisions that no snapshot is of, one for each attempt, the oldest first.

    A decision may be made while Prometheus is asked for the ones before: what a snapshot is of says what it is taken for,
    not its place in the chain. What was before the first snapshot is not asked for any more.
    """
    taken = {
        number for record in records if record.kind == DECIDED for number in json.loads(record.body)["of"]
    }
    first = min(taken, default=0)
    wanted: dict[int, list[tuple[EvidenceRecord, dict[str, Any]]]] = {}
    for record in records:
        if record.kind == "decision" and record.number > first and record.number not in taken:
            body = json.loads(record.body)
            if body.get("attempt"):
                wanted.setdefault(body["attempt"], []).append((record, body))
    return [_due(attempt, made) for attempt, made in wanted.items()]


def _due(attempt: int, made: Sequence[tuple[EvidenceRecord, dict[str, Any]]]) -> DueDecisions:
    """A decision about no guardrail, as a person's or one about a gate, is about all of them: `guardrails` is empty then."""
    about = {"" if body["guardrail"] == names.GATE else body["guardrail"] for _, body in made}
    return DueDecisions(
        attempt=attempt,
        numbers=tuple(record.number for record, _ in made),
        guardrails=frozenset() if "" in about else frozenset(about),
        gates={
            body["gate"]["into"]: record.at for record, body in made if isinstance(body.get("gate"), dict)
        },
        oldest=made[0][0].at,
        newest=made[-1][0].at,
        baked={
            body["gate"]["into"]: datetime.fromisoformat(body["gate"]["since"])
            for _, body in made
            if isinstance(body.get("gate"), dict) and "since" in body["gate"]
        },
    )


@dataclass
class Snapshots:
    """Takes them. `on_decision` says where one is due; `check` takes one now, `scheduled` one that was declared."""

    store: Store
    playbooks: Playbooks
    recorded: Recorded
    lookout: Lookout
    clock: Clock
    redact: Callable[[str], str]
    _pending: dict[str, datetime] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def on_decision(self, decision: Decision) -> None:
        """A decision was made."""
        if decision.rollout and decision.attempt:
            self._pending.setdefault(decision.rollout, self.clock.now())
            self._wake.set()

    async def run(self) -> None:
        """Take what is due until cancelled."""
        begun = False
        while True:
            self._wake.clear()
            try:
                if not begun:  # an attempt may have ended, and its decisions wait for their samples
                    for playbook in self.playbooks.all():
                        self._pending.setdefault(playbook.rollout, self.clock.now())
                    begun = True
                await self.step()
            except StoreDown as error:
                log.warning("no snapshot can be taken: %s", error)
            await asyncio.sleep(LOOK_EVERY)
            if not self._pending:
                await self._wake.wait()

    async def step(self) -> None:
        """Take what is due now."""
        now = self.clock.now()
        for rollout in [name for name, at in self._pending.items() if at <= now]:
            del self._pending[rollout]
            try:
                again = await self._of(rollout)
            except StoreDown:
                self._pending[rollout] = now
                raise
            if again is not None:
                self._pending[rollout] = again

    async def catch_up(self, rollout: str) -> None:
        """Take what is due of a rollout now, also what could not be obtained a moment ago: somebody asks for its evidence."""
        await self._of(rollout)

    async def check(self, playbook: Playbook, by: str, why: str) -> Snapshot:
        """One now, of all guardrails, probes and targets, because a person asks."""
        now = self.clock.now()
        history = await self.store.attempts.history(playbook.rollout, now)
        attempt = history.attempt
        moment = await self._moment(attempt, now, now, by=by, why=self.redact(why))
        stage = attempt.stage if attempt is not None and attempt.live else ""
        taken = await self._looked(in_force(attempt, playbook), moment, stage, history.reduced)
        return await self._keep(CHECKED, taken)

    async def scheduled(self, playbook: Playbook, attempt: Attempt, due: ScheduledCheck) -> None:
        """A declared check, as things were at its time; it is known by its key, and stored once. Its people are told.

        Once its stage was left, the targets hold what was set since, and say nothing about that time.
        """
        now = self.clock.now()
        moment = await self._moment(attempt, now, due.due_at, by=HANDRAIL, why=why_made(due, now))
        if _judges_gate(playbook, attempt, due):
            following = playbook.stage_after(attempt.stage)
            ahead = following.name if following else names.COMPLETE
            began = attempt.stage_entered_at + timedelta(seconds=_warm_up(playbook, attempt.stage))
            moment = replace(moment, gates={ahead: due.due_at}, baked={ahead: began})
        reduced = (await self.store.attempts.history(playbook.rollout, now)).reduced
        taken = await self._looked(playbook, moment, "" if due.left else attempt.stage, reduced)
        await self._keep(CHECKED, taken, due, late=due.is_late(now))

    async def _looked(
        self, playbook: Playbook, moment: SnapshotSubject, stage: str, reduced: Run | None
    ) -> Snapshot:
        """What Prometheus had recorded, and what probes and targets say now; these should hold what was `reduced`."""
        taken, probes, targets = await asyncio.gather(
            snapshot(self.recorded, playbook, moment),
            self.lookout.probed(playbook),
            self.lookout.held(playbook, stage, reduced),
        )
        action = playbook.action(names.REDUCE) if stage and reduced is not None else None
        asked = {"asked": action.weight} if action is not None else {}
        return taken.model_copy(update={"probes": probes, "targets": targets, **asked})

    async def _of(self, rollout: str) -> datetime | None:
        """Take what is due of a rollout; when to look again, None: nothing more is due."""
        newest = self.playbooks.get(rollout)
        if newest is None:
            return None
        async with self._turn:  # what is due is taken once
            records = await self.store.evidence.newest(rollout, LOOKED_BACK, only=("decision", DECIDED))
            again = [await self._of_attempt(newest, wanted) for wanted in due(records)]
        return min((at for at in again if at is not None), default=None)

    async def _of_attempt(self, newest: Playbook, wanted: DueDecisions) -> datetime | None:
        """The same for one attempt, which may be over, and the next one may have begun."""
        now = self.clock.now()
        try:
            attempt = await self.store.past.known(newest.rollout, wanted.attempt)
        except UNREADABLE as error:
            log.warning("no snapshot of %s can be taken: %s", newest.rollout, error)
            return None
        if attempt is None:
            return None
        end = min(now, wanted.newest + AFTERWARDS)
        moment = await self._moment(
            attempt, now, end, by="handrail", of=wanted.numbers, guardrails=wanted.guardrails
        )
        moment = replace(moment, gates=wanted.gates, baked=wanted.baked)
        taken = await snapshot(self.recorded, attempt.playbook or newest, moment)
        if taken.missing and now - wanted.oldest < TRIED_FOR:
            return now + PAUSE
        await self._keep(DECIDED, taken)
        return now + APART

    async def _moment(
        self,
        attempt: Attempt | None,
        at: datetime,
        end: datetime,
        *,
        by: str,
        why: str = "",
        of: tuple[int, ...] = (),
        guardrails: frozenset[str] = frozenset(),
    ) -> SnapshotSubject:
        if attempt is None:
            return SnapshotSubject(0, "", at, end, by, why, of, guardrails)
        artifact = await self.store.snapshots.artifact(attempt.rollout, attempt.id)
        return SnapshotSubject(attempt.id, attempt.stage, at, end, by, why, of, guardrails, artifact)

    async def _keep(
        self, kind: str, taken: Snapshot, due: ScheduledCheck | None = None, *, late: bool = False
    ) -> Snapshot:
        """Keep it without what is secret, and give it back as it was kept."""
        text, kept = await asyncio.to_thread(self._written, taken)
        record = SnapshotRecord(
            attempt=kept.attempt,
            of=kept.of,
            by=kept.by,
            text=kept.summary(),
            snapshot=digest_of(text),
            why=kept.why,
            scheduled=due.key if due else "",
            stage=kept.stage,
            check=due.check.label if due else "",
            late=late,
            ok=kept.ok,
        )
        await self.store.snapshots.keep(
            taken.rollout,
            kind,
            record.snapshot,
            text,
            record.model_dump(mode="json"),
            taken.at,
            due.key if due else "",
            due.check.tell if due else (),
        )
        log.info("%s %s: %s", taken.rollout, " ".join(filter(None, [kind, record.why])), record.text)
        return kept

    def _written(self, taken: Snapshot) -> tuple[str, Snapshot]:
        """Its text without what is secret, and what that says; beside the event loop, for it may be long."""
        text = self.redact(taken.text())
        return text, Snapshot.model_validate_json(text)


def why_made(due: ScheduledCheck, now: datetime) -> str:
    """What the evidence says it was made for."""
    text = f"{due.check.label} of stage {due.stage}" if due.stage else due.check.label
    return f"{text}, late: it was due {when(due.due_at)}" if due.is_late(now) else text


def _warm_up(playbook: Playbook, name: str) -> float:
    return next((stage.warm_up for stage in playbook.stages if stage.name == name), 0)


def _judges_gate(playbook: Playbook, attempt: Attempt, due: ScheduledCheck) -> bool:
    """Whether its stage has baked by then: the criteria of the gate ahead look back over all of it."""
    stage = next((one for one in playbook.stages if one.name == attempt.stage), None)
    return stage is not None and 0 < stage.takes <= due.check.at
