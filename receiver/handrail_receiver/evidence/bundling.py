"""A rollout and the number of an attempt → its bundle: every file, and what is missing."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail.contract import GivenArms, Playbook, names

from handrail_receiver.errors import TargetError
from handrail_receiver.evidence.bundle import (
    AttemptFacts,
    BundleIndex,
    CapturedFigure,
    CapturedFile,
    ChainPart,
    Contents,
    RunsFile,
    SeriesFile,
    files_of,
    index_of,
    named_by,
    predicate_of,
)
from handrail_receiver.evidence.bundle_summary import summary
from handrail_receiver.evidence.burst import BURST
from handrail_receiver.evidence.report import report
from handrail_receiver.evidence.signing import sealed
from handrail_receiver.evidence.snapshot import KeptSeries, digest_of
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.outside.prometheus_history import Recorded, Span
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.store.chain import first_broken_of
from handrail_receiver.store.past_attempts import PastAttempt
from handrail_receiver.view_models.reference_figures import past_questions
from handrail_receiver.view_models.schemas import RecordView, record_view, run_view

PIECE = 500
POINTS = 400
AROUND = timedelta(minutes=15)


@dataclass(frozen=True)
class MadeBundle:
    """The files by their paths in it, and what is missing."""

    files: dict[str, str]
    index: BundleIndex


@dataclass(frozen=True)
class Bundler:
    """Makes bundles, signed where there is a key; `version` of Handrail is said in them."""

    store: Store
    recorded: Recorded
    clock: Clock
    key: Ed25519PrivateKey | None = None
    version: str = ""

    async def bundle(self, newest: Playbook, number: int | None) -> MadeBundle | None:
        """The bundle of an attempt of a rollout, of the newest one without a number; None where there is none."""
        past = await self.store.past.attempt(newest.rollout, number)
        if past is None:
            return None
        playbook = past.attempt.playbook or newest
        chain = ChainPart(
            rollout=playbook.rollout, records=tuple(map(record_view, await self._records(past)))
        )
        own = chain.of(past.attempt.id)
        ended_at = self._ended(past)
        series, missing = await self._series(playbook, past, ended_at)
        contents = Contents(
            attempt=await self._facts(past, playbook),
            playbook=playbook,
            chain=chain,
            runs=RunsFile(runs=tuple(map(run_view, past.runs))),
            snapshots=await self._snapshots(own),
            series=series,
            made_at=self.clock.now(),
            ended_at=ended_at,
            captured=_captured(past),
            bursts=await self._logs(own),
        )
        return await asyncio.to_thread(self._made, contents, missing)

    def _made(self, contents: Contents, missing: Sequence[str]) -> MadeBundle:
        broken = first_broken_of(contents.chain.chain())
        if broken is not None:
            lost = f"the evidence as it was written: record {broken} in the store does not fit the one before"
            missing = (*missing, lost)
        index = index_of(contents, missing, self.version)
        files = files_of(contents, index, report(contents, index), summary(contents, index))
        return MadeBundle(sealed(files, predicate_of(index), self.key), index)

    async def _facts(self, past: PastAttempt, playbook: Playbook) -> AttemptFacts:
        attempt, arms = past.attempt, playbook.arms
        artifact = await self.store.snapshots.artifact(attempt.rollout, attempt.id)
        if not artifact and isinstance(arms, GivenArms):
            artifact = f"{arms.label} {arms.canary}"
        return AttemptFacts(
            rollout=attempt.rollout,
            service=attempt.service,
            number=attempt.number,
            id=attempt.id,
            state=attempt.state,
            stage=attempt.stage,
            started_at=attempt.started_at,
            started_by=attempt.started_by,
            artifact=artifact,
            live=attempt.live,
            playbook=past.playbook,
        )

    async def _records(self, past: PastAttempt) -> list[EvidenceRecord]:
        """The part of the chain that is about the attempt: from after the one before to the start of the next, or to
        what was recorded later of this one, such as the snapshot of its end; then records of the next are in it too.
        """
        rollout, own = past.attempt.rollout, past.attempt.id
        records: list[EvidenceRecord] = []
        last = 0
        while piece := await self.store.evidence.read(rollout, last, PIECE):
            records += piece
            last = piece[-1].number
        about = [int(json.loads(one.body).get("attempt") or 0) for one in records]
        mine = [place for place, attempt in enumerate(about) if attempt == own]
        if not mine:
            return []
        earlier = [place for place in range(mine[0]) if about[place]]
        later = next((place for place, attempt in enumerate(about) if attempt > own), len(records))
        return records[earlier[-1] + 1 if earlier else 0 : max(later, mine[-1] + 1)]

    async def _snapshots(self, records: Sequence[RecordView]) -> dict[int, str]:
        snapshots: dict[int, str] = {}
        for record in records:
            named = named_by(record)
            if named is not None:
                snapshots[record.number] = await self._kept(named.snapshot)
        return snapshots

    async def _kept(self, digest: str) -> str:
        """A text as the evidence names it; "" where it is gone, or something else is in its place."""
        text = await self.store.snapshots.read(digest)
        return text if text is not None and digest_of(text) == digest else ""

    async def _logs(self, records: Sequence[RecordView]) -> dict[int, str]:
        """The logs of the load bursts."""
        named = {one.number: str(json.loads(one.body)["log"]) for one in records if one.kind == BURST}
        return {number: await self._kept(log) for number, log in named.items()}

    def _ended(self, past: PastAttempt) -> datetime:
        if past.attempt.live:
            return self.clock.now()
        ends = [run.finished_at for run in past.runs if run.finished_at is not None]
        return max([past.attempt.stage_entered_at, *ends])

    async def _series(
        self, playbook: Playbook, past: PastAttempt, ended_at: datetime
    ) -> tuple[SeriesFile, tuple[str, ...]]:
        """What was recorded over the whole attempt, and a little around it; and what could not be obtained."""
        start, end = past.attempt.started_at - AROUND, min(ended_at + AROUND, self.clock.now())
        step = timedelta(seconds=max(1, math.ceil((end - start).total_seconds() / POINTS)))
        own = f'{{__name__=~"{names.VALUE}|{names.EVENTS}",{names.ROLLOUT}="{playbook.rollout}"}}'
        asked = [("the values over the whole attempt", own)]
        if before := past_questions(playbook):
            asked.append(("the earlier figures that limits are relative to", " or ".join(before)))
        kept: list[KeptSeries] = []
        missing = []
        for what, expr in asked:
            try:
                series = await self.recorded.series(expr, Span(start, end, step))
            except TargetError as error:
                missing.append(f"{what}: {error}")
                continue
            kept += [KeptSeries(labels=dict(sorted(one.labels.items())), points=one.points) for one in series]
        return SeriesFile(step=step.total_seconds(), series=tuple(kept)), tuple(missing)


def _captured(past: PastAttempt) -> CapturedFile:
    return CapturedFile(
        captured=tuple(
            CapturedFigure(
                guardrail=one.guardrail, reference=one.reference, value=one.value, labels=dict(one.labels)
            )
            for one in past.captured
        )
    )
