"""A declared check that was made → the message about it: each guardrail, probe and target, what fires, and what people answer."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import Playbook, names

from handrail_receiver.evidence.guardrail_results import guardrail_results
from handrail_receiver.evidence.snapshot import Snapshot, SnapshotRecord
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.telling.compose import IncidentSubject
from handrail_receiver.telling.incident import IncidentEntry, ToldIncident
from handrail_receiver.words.steps import told


def check_message(
    key: str, subject: IncidentSubject, record: EvidenceRecord, kept: str | None, playbook: Playbook | None
) -> ToldIncident:
    """What was found then; `kept` is the text of its snapshot, None where that is gone."""
    said = SnapshotRecord.model_validate_json(record.body)
    taken = Snapshot.model_validate_json(kept) if kept else None
    texts = list(_found(taken)) if taken is not None else [said.text]
    return ToldIncident(
        key=key,
        rollout=subject.rollout,
        service=subject.service,
        title=f"{subject.rollout}: {said.why}: {'OK' if said.ok else 'not OK'}",
        status="checked",
        severity="info" if said.ok else "warning",
        lines=tuple(IncidentEntry(record.at, text) for text in (*texts, *_questions(said, playbook))),
        links=subject.links,
        opened=record.at,
        updated=record.at,
    )


def _found(taken: Snapshot) -> Iterator[str]:
    yield from (one.text() for one in guardrail_results(taken))
    for probe in taken.probes:
        yield f"{'OK' if probe.verdict == 'ok' else probe.verdict.upper()} probe {probe.name}: {probe.text}"
    for target in taken.targets:
        yield f"{target.word if target.as_asked else target.word.upper()}: {told(target.step, target.text)}"
    if taken.split:
        yield "traffic: " + ", ".join(f"{one.arm} {_percent(one.share)}" for one in taken.split)
    if taken.instances:
        yield f"instances: {taken.instances_text}"
    yield f"fires: {'unknown' if taken.fires is None else ', '.join(taken.fires) or 'nothing'}"
    yield f"rules: {taken.rules.text or 'Prometheus has loaded those generated'}"
    yield from (f"missing: {one}" for one in taken.missing)


def _questions(said: SnapshotRecord, playbook: Playbook | None) -> Iterator[str]:
    """What the check asks people, with the command that answers it."""
    if playbook is None:
        return
    checks = [one for one in playbook.checks_of(said.stage) if one.label == said.check]
    asked = {f"{one.label}: {question}" for one in checks for question in one.questions}
    following = playbook.stage_after(said.stage)
    for gate in playbook.gates:
        if gate.into != (following.name if following else names.COMPLETE):
            continue
        for place, question in enumerate(gate.questions, 1):
            if question in asked:
                yield f"to answer: {question} (handrail rollout check {playbook.rollout} --item {place})"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.3g} %"
