"""What a store was asked → tables that people read. All instants are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail_receiver.model import EvidenceRecord, Run
from handrail_receiver.store_commands.listing import NotificationView, StoredRecordView, StoredRunView
from handrail_receiver.store_commands.status import StatusView
from handrail_receiver.store_commands.verify import ChainView, ComparedView, VerifyView
from handrail_receiver.view_models.schemas import StepView
from handrail_receiver.view_models.timeline import timeline
from handrail_receiver.words.steps import told
from handrail_receiver.words.times import took, when

Row = tuple[str, ...]


@dataclass(frozen=True)
class TextTable:
    """A title, the heads of the columns, and rows of as many texts."""

    title: str
    heads: Row
    rows: tuple[Row, ...]


def status_tables(view: StatusView) -> list[TextTable]:
    """Where it is, what it holds, and what is wrong."""
    reusable = f", {_bytes(view.reusable)} of it to be used again" if view.reusable is not None else ""
    facts = [
        ("where", f"{view.where} ({view.kind})"),
        ("schema", ", ".join(view.migrations)),
        ("size", f"{_bytes(view.size)}{reusable}"),
        *([("room on the disk", _bytes(view.room))] if view.room is not None else []),
        ("last sign of a receiver", when(view.seen) if view.seen else "none yet"),
    ]
    held = [
        (
            one.what,
            str(one.number),
            str(one.open) if one.what != "evidence records" else "-",
            when(one.oldest) if one.oldest else "-",
            when(one.newest) if one.newest else "-",
        )
        for one in view.held
    ]
    return [
        TextTable("Store", ("fact", "value"), tuple(facts)),
        TextTable("Holds", ("what", "number", "open", "oldest", "newest"), tuple(held)),
    ]


def notifications_table(deliveries: Sequence[NotificationView]) -> TextTable:
    """One line for each delivery."""
    heads = ("number", "at", "from", "rollouts", "firing", "resolved", "result", "reason")
    return TextTable("Notifications", heads, tuple(map(_notification, deliveries)))


def _notification(one: NotificationView) -> Row:
    counted = (str(one.firing), str(one.resolved))
    rollouts = ", ".join(one.rollouts) or "-"
    return (str(one.number), when(one.at), one.source, rollouts, *counted, one.result or "waits", one.reason)


def runs_table(views: Sequence[StoredRunView]) -> TextTable:
    """One line for each run, and one below it for each of its steps."""
    heads = (
        "decided",
        "rollout",
        "attempt",
        "action",
        "state",
        "asked by",
        "acted",
        "finished",
        "why, and the result",
    )
    return TextTable("Runs", heads, tuple(row for run in views for row in _run(run)))


def _run(run: StoredRunView) -> list[Row]:
    action = f"{run.action} {run.key}".rstrip() + (f" (round {run.round + 1})" if run.round else "")
    times = (took(run.acted_at, run.detected_at), took(run.finished_at, run.detected_at))
    text = ": ".join(filter(None, (run.reason, run.text)))
    head = (
        when(run.decided_at),
        run.rollout,
        str(run.attempt),
        action,
        run.state,
        run.asked_by,
        *times,
        text,
    )
    return [head, *map(_step, run.steps)]


def _step(step: StepView) -> Row:
    text = told(step.what, step.found) if step.found else step.what
    return ("", "", "", "", step.state, "", "", "", text)


def evidence_table(stored: Sequence[StoredRecordView], runs: Sequence[Run]) -> TextTable:
    """One line for each record, in the words of the rollout's page; `runs` know what each step does."""
    records = [
        EvidenceRecord(one.number, one.at, one.rollout, one.kind, one.body, one.previous, one.hash)
        for one in stored
    ]
    entries = reversed(timeline(records, runs))
    heads = ("at", "rollout", "attempt", "record", "kind", "what", "about", "text")
    rows = [
        (
            when(one.at),
            one.rollout,
            str(one.attempt or "-"),
            str(one.number),
            one.kind,
            entry.word,
            entry.subject,
            "; ".join(entry.text.splitlines()),
        )
        for one, entry in zip(stored, entries, strict=True)
    ]
    return TextTable("Evidence", heads, tuple(rows))


def verify_table(view: VerifyView) -> TextTable:
    """One line for each chain; its newest hash is worth a note elsewhere."""
    heads = ("rollout", "records", "newest", "chain", "newest hash")
    rows = tuple(map(_chain, view.chains))
    if not isinstance(view, ComparedView):
        return TextTable("Evidence", heads, rows)
    seen = (view.seen.get(chain.rollout) for chain in view.chains)
    said = (f"up to record {number}" if number else "unknown" for number in seen)
    return TextTable(
        "Evidence",
        (*heads, "Prometheus saw"),
        tuple((*row, one) for row, one in zip(rows, said, strict=True)),
    )


def _chain(chain: ChainView) -> Row:
    state = "whole" if chain.first_broken is None else f"BROKEN at record {chain.first_broken}"
    newest = when(chain.newest_at) if chain.newest_at else "-"
    return (chain.rollout, str(chain.records), newest, state, chain.newest_hash or "-")


def _bytes(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
