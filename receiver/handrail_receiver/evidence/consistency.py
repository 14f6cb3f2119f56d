"""What a bundle is made of → where its files contradict its records and snapshots. Pure.

The chain of hashes covers the records and the snapshots. The index, the runs, the playbook and the captured figures
are beside it, and repeat what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from handrail.contract import names

from handrail_receiver.evidence.bundle import BundleIndex, Contents, decisions, index_of, said_by
from handrail_receiver.evidence.snapshot import DECIDED
from handrail_receiver.model import ENTERING, NEVER_BEGUN, OPEN, WORKED, EffectState
from handrail_receiver.view_models.schemas import RecordView, RunView

WRITTEN = timedelta(milliseconds=10)
"""How far an instant may be from itself after it was in a database."""
Body = Mapping[str, object]
Acts = Sequence[tuple[RecordView, Body]]
"""Decisions upon which something is done, and their records."""
MEASURED = ("detected", "decided", "acted", "proved")


def inconsistencies(contents: Contents, index: BundleIndex) -> Iterator[str]:
    """What does not fit, a line each."""
    yield from _same_rollout(contents)
    yield from _index(contents, index)
    yield from _attempt(contents)
    for run in contents.runs.runs:
        yield from _run(contents, run)
    yield from _without_run(contents)
    yield from _playbook(contents)
    yield from _captured(contents)
    yield from _snapshots(contents)


def _same_rollout(contents: Contents) -> Iterator[str]:
    said = {
        "evidence.json": contents.chain.rollout,
        "playbook.json": contents.playbook.rollout,
        **{f"snapshots/{number}.json": one.rollout for number, one in contents.taken().items()},
    }
    for name, rollout in said.items():
        if rollout != contents.attempt.rollout:
            yield f"{name} is about {rollout}, and bundle.json about {contents.attempt.rollout}"


def _index(contents: Contents, index: BundleIndex) -> Iterator[str]:
    """What the index repeats of other files."""
    again = index_of(contents)
    for name in ("before", "after", "runbook"):
        if getattr(again, name) != getattr(index, name):
            yield f"bundle.json says otherwise than the files what {name!r} is"


def _attempt(contents: Contents) -> Iterator[str]:
    """What the index says of the attempt, beside what was decided and carried out."""
    attempt = contents.attempt
    made = [(record, body) for record, body in decisions(contents.chain.records, attempt.id)]
    acts = [(record, body) for record, body in made if body["verdict"] == "act"]
    for record, body in acts[:1]:
        if body["action"] != "start":
            break
        if body["by"] != attempt.started_by:
            yield f"bundle.json says that {attempt.started_by} started it, and record {record.number} that {body['by']} did"
        if abs(record.at - attempt.started_at) > WRITTEN:
            yield f"bundle.json says another time of its start than record {record.number}"
        if (artifact := str(body.get("artifact") or "")) and artifact != attempt.artifact:
            yield f"bundle.json says that {attempt.artifact or 'nothing'} went out, and record {record.number} says {artifact}"
    yield from _ended(contents, acts)


def _ended(contents: Contents, acts: Acts) -> Iterator[str]:
    """A state that nothing in the evidence leads to."""
    attempt, outcomes = contents.attempt, list(_of_kind(contents, "outcome"))
    back = [body for _, body in outcomes if body["action"] in names.ACTING and body["outcome"] in WORKED]
    entered = max((record.number for record, body in outcomes if body["action"] in ENTERING), default=0)
    through = [record for record, body in acts if body["action"] == "promote" and record.number > entered]
    speaks = {
        "rolled-back": (bool(back), "no rollback in the evidence was carried out"),
        "complete": (
            bool(through) and not back,
            "the evidence does not say that it went through its last gate",
        ),
        "abandoned": (
            any(body["action"] == "abandon" for _, body in acts),
            "nobody abandoned it in the evidence",
        ),
    }
    follows, why = speaks.get(attempt.state, (True, ""))
    if not follows:
        yield f"bundle.json says that it is {attempt.state}, and {why}"
    if attempt.live != (attempt.state not in speaks):
        yield f"bundle.json says that it is {attempt.state}, and that it is {'live' if attempt.live else 'over'}"


def _run(contents: Contents, run: RunView) -> Iterator[str]:
    """How a run ended and what its steps came to, beside what was recorded of it."""
    name = f"{run.action} {run.key}".rstrip()
    ended = [body for _, body in _of_kind(contents, "outcome") if _is_of(body, run)]
    if not ended and run.state not in OPEN | NEVER_BEGUN:
        yield f"{name} is said to be {run.state}, and the evidence has no outcome of it"
    for body in ended[-1:]:
        if (body["outcome"], body["text"]) != (run.state, run.text):
            yield f"{name} is said to be {run.state} ({run.text}), and its outcome was {body['outcome']} ({body['text']})"
        for instant in MEASURED:
            if not _same(body.get(instant), getattr(run, f"{instant}_at")) and instant in body:
                yield f"{name} is said to have another time at which it was {instant} than the evidence"
    steps = {body["step"]: body for _, body in _of_kind(contents, "step") if _is_of(body, run)}
    for place, step in enumerate(run.steps):
        last = steps.get(place)
        if (
            last is None or step.state == EffectState.left
        ):  # what a stronger action decides about is no record
            continue
        if (last["state"], last["found"]) != (step.state, step.found):
            yield (
                f"{name}: {step.what} is said to be {step.state} ({step.found}), and the evidence says"
                f" {last['state']} ({last['found']})"
            )


def _without_run(contents: Contents) -> Iterator[str]:
    """What was carried out by the evidence, and is not among the runs."""
    for record, body in _of_kind(contents, "outcome"):
        if not any(_is_of(body, run) for run in contents.runs.runs):
            name = f"{body['action']} {body['key']}".rstrip()
            yield f"record {record.number} says how {name} ended, and runs.json does not have it"


def _playbook(contents: Contents) -> Iterator[str]:
    """Snapshots of decisions that were taken with another playbook, although none was adopted since."""
    made = decisions(contents.chain.records, contents.attempt.id)
    adopted = max((record.number for record, body in made if body["action"] == "adopt"), default=0)
    for record in contents.chain.records:
        taken = contents.taken().get(record.number) if record.kind == DECIDED else None
        if (
            taken is None
            or contents.attempt.went_by(contents.playbook, taken)
            or adopted >= min(taken.of, default=0)
        ):
            continue
        yield f"snapshot {record.number} was taken with another playbook than playbook.json, and none was adopted since"


def _captured(contents: Contents) -> Iterator[str]:
    """Captured figures that Prometheus was told otherwise."""
    for one in contents.captured.captured:
        own = {names.GUARDRAIL: one.guardrail, names.REFERENCE: one.reference, **one.labels}
        seen = {
            float(value)
            for taken in contents.taken().values()
            for series in taken.measures
            if series.labels.get("__name__") == names.REFERENCE_METRIC
            and all(series.labels.get(name) == text for name, text in own.items())
            for _, value in series.points
        }
        if seen and one.value not in seen:
            yield f"captured.json has {one.value:g} as {one.guardrail}'s {one.reference}, and no sample says so"


def _snapshots(contents: Contents) -> Iterator[str]:
    """Snapshots of decisions that are none, or of other records of the chain."""
    made = {record.number for record in contents.chain.records if record.kind == "decision"}
    for number, taken in contents.taken().items():
        for one in taken.of:
            if one not in made:
                yield f"snapshot {number} is of decision {one}, which the evidence does not have"


def _of_kind(contents: Contents, kind: str) -> Iterator[tuple[RecordView, dict[str, object]]]:
    for record in contents.chain.records:
        if record.kind == kind and (body := said_by(record)).get("attempt") == contents.attempt.id:
            yield record, body


def _is_of(body: Body, run: RunView) -> bool:
    return (body["action"], body["key"], body["round"]) == (run.action, run.key, run.round)


def _same(said: object, at: datetime | None) -> bool:
    if not isinstance(said, str) or at is None:
        return said is None and at is None
    return abs(datetime.fromisoformat(said) - at) <= WRITTEN
