"""The files of a bundle → everything in it that does not follow from the rest. Nobody is asked anything; pure.

First the bytes (the statement, its signature, the chain of hashes), then the content: each verdict from the samples,
each decision of an alert from the verdicts, each promotion from its gate, each outcome from its steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from handrail.contract import Playbook
from pydantic import BaseModel, ValidationError

from handrail_receiver.evidence.bundle import (
    BURSTS,
    CAPTURED,
    EVIDENCE,
    INDEX,
    PLAYBOOK,
    REPORT,
    RUNS,
    SERIES,
    SNAPSHOTS,
    SUMMARY,
    BundleIndex,
    CapturedFile,
    ChainPart,
    Contents,
    RunsFile,
    SeriesFile,
    decisions,
    missing_of,
    named_by,
    said_by,
)
from handrail_receiver.evidence.bundle_summary import summary
from handrail_receiver.evidence.burst import BURST, BurstRecord, counted
from handrail_receiver.evidence.consistency import inconsistencies
from handrail_receiver.evidence.report import report
from handrail_receiver.evidence.seal import seal
from handrail_receiver.evidence.signing import STATEMENT
from handrail_receiver.evidence.snapshot import Snapshot, TierSeen, digest_of
from handrail_receiver.evidence.verdicts import instants, longest_run, rederived
from handrail_receiver.model import ENTERING
from handrail_receiver.store.chain import first_broken_of
from handrail_receiver.view_models.schemas import RecordView, RunView
from handrail_receiver.words.times import when

BY_ALERT = {"act", "confirm", "hold", "tell", "shadow"}
"""The verdicts that say that a tier fires."""
WORKED, NOT_DONE = {"done", "proved"}, {"failed", "intended", "skipped"}
CLOCKS = timedelta(seconds=1)
"""How far the instants of two records may be apart from what their writer saw."""
JUST_THEN = 1
"""So many samples may have come between a gate's judgement and the decision."""
OVERRIDDEN = "although "
WRITTEN_AGAIN = ((REPORT, report), (SUMMARY, summary))
"""What is made of the other files alone."""
FORWARD = {"start", "promote", "retry"}


@dataclass(frozen=True)
class Verification:
    """What was found. Any of `problems` means that it cannot be relied upon; `notes` are what was looked at."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


ODD = (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a file raises that somebody has given another form."""
Read = TypeVar("Read", bound=BaseModel)


class NoBundle(Exception):
    """The folder holds no bundle."""


def verify(
    files: Mapping[str, bytes], key: Ed25519PublicKey | None = None, version: str = ""
) -> Verification:
    """Everything. `key` is the public half of the key that should have signed it; a report that this `version` of Handrail
    wrote is written again. Raises NoBundle.
    """
    if STATEMENT not in files and INDEX not in files:
        raise NoBundle(
            f"there is neither {STATEMENT} nor {INDEX}; give the folder that `handrail rollout bundle` wrote"
        )
    sealed = seal(files, key)
    problems = [*sealed.problems]
    notes = [f"{len(files)} files, as their statement says", sealed.signed] if not problems else []
    contents = _Contents(files, version)
    try:
        for problem in contents.problems():
            problems.append(problem)  # noqa: PERF402  what was found before something cannot be read counts
        notes += contents.looked_at
        notes += [f"missing, as the bundle says: {one}" for one in contents.index.missing]
    except ODD as error:
        problems.append(_unread(error))
    return Verification(tuple(problems), tuple(notes))


def _unread(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"a file is not of the form it should have ({error.title} {where}: {first['msg']})"
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing, and without it nothing can be derived"
    return f"a file cannot be read: {error}"


@dataclass(frozen=True)
class _Contents:
    files: Mapping[str, bytes]
    version: str
    taken: dict[int, Snapshot] = field(default_factory=dict)

    @cached_property
    def index(self) -> BundleIndex:
        return self._read(BundleIndex, INDEX)

    @cached_property
    def chain(self) -> ChainPart:
        return self._read(ChainPart, EVIDENCE)

    @cached_property
    def own(self) -> tuple[RecordView, ...]:
        """The records of the attempt."""
        return self.chain.of(self.index.attempt.id)

    @cached_property
    def runs(self) -> tuple[RunView, ...]:
        return self._read(RunsFile, RUNS).runs

    @cached_property
    def playbook(self) -> Playbook:
        return self._read(Playbook, PLAYBOOK)

    def _read(self, shape: type[Read], name: str) -> Read:
        return shape.model_validate_json(self.files[name])

    @cached_property
    def contents(self) -> Contents:
        """All that the bundle was made of."""
        logs = {one.number: self._log(one.number) for one in self.own if one.kind == BURST}
        return Contents(
            attempt=self.index.attempt,
            playbook=self.playbook,
            chain=self.chain,
            runs=RunsFile(runs=self.runs),
            snapshots={
                one.number: self._text(f"{SNAPSHOTS}/{one.number}.json")
                for one in self.own
                if named_by(one) is not None
            },
            series=self._read(SeriesFile, SERIES),
            made_at=self.index.made_at,
            ended_at=self.index.ended_at or self.index.made_at,
            captured=self._read(CapturedFile, CAPTURED) if CAPTURED in self.files else CapturedFile(),
            bursts=logs,
        )

    def _log(self, number: int) -> str:
        return self._text(f"{BURSTS}/{number}.log")

    def _text(self, name: str) -> str:
        """A file's text, "" where there is none."""
        return self.files.get(name, b"").decode()

    @property
    def looked_at(self) -> Iterator[str]:
        tiers = sum(len(one.tiers) for one in self.taken.values())
        decided = len(list(decisions(self.chain.records, self.index.attempt.id)))
        records = len(self.chain.records)
        yield f"{records} records, {decided} decisions, {len(self.taken)} snapshots with {tiers} verdicts"
        number, hashed = self.index.head
        yield f"the chain ends with record {number}, {hashed[:16]}: messages and Prometheus say the same of it"
        if self._written_elsewhere:
            names = " and ".join(name for name, _ in WRITTEN_AGAIN)
            maker = f"Handrail {self.index.made_with}" if self.index.made_with else "an earlier Handrail"
            yield f"{names} were not written again: {maker} made them"

    @property
    def _written_elsewhere(self) -> bool:
        return not self.version or self.index.made_with != self.version

    def problems(self) -> Iterator[str]:
        """What does not follow."""
        yield from self._chain()
        yield from self._snapshots()
        yield from self._bursts()
        for number, snapshot in self.taken.items():
            known = (
                self.playbook
                if self.index.attempt.went_by(self.playbook, snapshot) or not self._adopted
                else None
            )
            yield from (f"snapshot {number}: {what}" for what in rederived(snapshot, known))
        for record, body in decisions(self.chain.records, self.index.attempt.id):
            yield from (
                f"decision {record.number} ({body['reason']}): {what}"
                for what in self._decision(record, body)
            )
        for run in self.runs:
            yield from _outcome(run)
        yield from inconsistencies(self.contents, self.index)
        yield from self._complete()
        for name, write in WRITTEN_AGAIN:
            if not self._written_elsewhere and self._text(name) != write(self.contents, self.index):
                yield f"{name} does not say what the other files say"

    @property
    def _adopted(self) -> bool:
        """Whether the attempt took another playbook on its way, or was looked at after its end."""
        made = decisions(self.chain.records, self.index.attempt.id)
        return not self.index.attempt.live or any(body["action"] == "adopt" for _, body in made)

    def _chain(self) -> Iterator[str]:
        records = self.chain.chain()
        broken = first_broken_of(records)
        if broken is not None:
            yield f"record {broken} does not fit the one before: it was changed, or one is missing"
        head = (records[-1].number, records[-1].hash) if records else (0, "")
        if head != self.index.head:
            yield f"the chain ends with record {head[0]}, and {INDEX} says it ends with {self.index.head[0]}"

    def _snapshots(self) -> Iterator[str]:
        for record in self.chain.records:
            named, name = named_by(record), f"{SNAPSHOTS}/{record.number}.json"
            if named is None or name not in self.files:
                continue
            text = self.files[name].decode()
            if digest_of(text) != named.snapshot:
                yield f"{name} is not the snapshot that record {record.number} names"
            snapshot = Snapshot.model_validate_json(text)
            if record in self.own:
                self.taken[record.number] = snapshot
            said = (snapshot.attempt, snapshot.of, snapshot.by, snapshot.summary())
            if (named.attempt, named.of, named.by, named.text) != said:
                yield f"record {record.number} says otherwise than its snapshot: {snapshot.summary()}"
            if named.ok is not None and named.ok != snapshot.ok:
                well = "OK" if named.ok else "not OK"
                yield f"record {record.number} says that it was {well}, and its snapshot says otherwise"

    def _bursts(self) -> Iterator[str]:
        """Load bursts of which the log is another, or counts otherwise than the record."""
        for record in self.chain.records:
            if record.kind != BURST:
                continue
            said, name = BurstRecord.model_validate_json(record.body), f"{BURSTS}/{record.number}"
            summary = self.files.get(f"{name}.json")
            if summary is not None and BurstRecord.model_validate_json(summary) != said:
                yield f"{name}.json is not what record {record.number} says"
            log = self.files.get(f"{name}.log")
            if log is None:
                continue
            text = log.decode()
            if digest_of(text) != said.log:
                yield f"{name}.log is not the log that record {record.number} names"
            if counted(text) != (said.sent, said.failed):
                yield f"record {record.number} counts otherwise than {name}.log"

    def _decision(self, record: RecordView, body: Mapping[str, object]) -> Iterator[str]:
        if body["guardrail"] and body["tier"] and body["by"] == "alert" and body["verdict"] in BY_ALERT:
            yield from self._fired(record.number, f"{body['guardrail']}/{body['tier']}")
        if body["verdict"] == "act" and body["action"] == "promote" and OVERRIDDEN not in str(body["text"]):
            yield from self._baked(record)
        gate = body.get("gate")
        if body["verdict"] == "act" and body["action"] in FORWARD and isinstance(gate, dict):
            unmet = [ask for ask in gate["asks"] if not ask["met"]]
            yield from self._met(record.number, gate["into"], gate["asks"])
            approvals = [str(ask["name"]) for ask in unmet if ask["kind"] == "approval"]
            if approvals:
                yield f"it went on without the approval of {', '.join(approvals)}"
            elif unmet and OVERRIDDEN not in str(body["text"]):
                yield f"it went on though its gate was closed: {'; '.join(str(ask['text']) for ask in unmet)}"

    def _baked(self, record: RecordView) -> Iterator[str]:
        """A stage that was left before its time, by when the evidence says that it was entered."""
        entered = [
            (str(said["key"]), one.at)
            for one in self.chain.records
            if one.kind == "outcome" and one.number < record.number
            for said in [said_by(one)]
            if said.get("attempt") == self.index.attempt.id
            and said["action"] in ENTERING
            and said["outcome"] == "done"
        ]
        if not entered:
            return
        name, at = entered[-1]
        stage = next((one for one in self.playbook.stages if one.name == name), None)
        over = at + timedelta(seconds=stage.takes if stage else 0)
        if record.at + CLOCKS < over:
            yield f"it went on before stage {name} was over, {when(over)}, and nobody went past that with a reason"

    def _met(self, number: int, into: str, asks: Sequence[Mapping[str, object]]) -> Iterator[str]:
        """Criteria that are said to be met, and that the samples of a moment later say were broken before."""
        said = {str(ask["name"]) for ask in asks if ask["kind"] == "criterion" and ask["met"]}
        for snapshot in self.taken.values():
            if number not in snapshot.of:
                continue
            for seen in snapshot.criteria:
                # What was broken in the last moment may not have been when the gate was judged.
                if seen.into == into and seen.name in said and len(instants(seen.breaches)) > JUST_THEN:
                    yield f"its gate says that {seen.name} is met, and its samples say otherwise"

    def _fired(self, number: int, name: str) -> Iterator[str]:
        """What speaks against it that a tier fired when a decision was made. What was not seen is missing, not wrong."""
        for snapshot in self.taken.values():
            tier = snapshot.tier(name) if number in snapshot.of else None
            if tier is None or tier.verdict == "unknown":
                continue
            if problem := _fires(tier, snapshot.step):
                yield problem

    def _complete(self) -> Iterator[str]:
        """What is missing and is not said to be."""
        logs = [one.number for one in self.own if f"{BURSTS}/{one.number}.log" in self.files]
        missing = missing_of(self.index.attempt, self.playbook, self.own, self.runs, self.taken, logs)
        yield from (
            f"{INDEX} does not say that it is missing: {one}"
            for one in missing
            if one not in self.index.missing
        )
        if self.index.complete and self.index.missing:
            yield f"{INDEX} says that the bundle is complete, and that something is missing"


def _fires(tier: TierSeen, step: float) -> str:
    """Why an alert could not have fired by the samples, which are `step` seconds apart; empty when it could."""
    if not tier.breaches:
        return f"it does not follow: {tier.name} was not broken in any sample around it"
    run = longest_run(tier.breaches, step)
    if run + 2 * step < tier.sustained:
        broken = f"{tier.name} was broken for {run:.0f} s without a break"
        return f"it does not follow: {broken}, and it fires after {tier.sustained:.0f} s"
    return ""


def _outcome(run: RunView) -> Iterator[str]:
    name = f"{run.action} {run.key}".rstrip()
    left = [step.what for step in run.steps if step.state in NOT_DONE]
    if run.state in WORKED and left:
        yield f"{name} is said to be {run.state}, and these steps are not done: {'; '.join(left)}"
    if run.state == "failed" and run.steps and not left:
        yield f"{name} is said to have failed, and every step is done"
