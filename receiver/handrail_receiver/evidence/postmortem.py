"""An incident + the evidence of its attempt → a draft of its postmortem as Markdown: what is known, and headings for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail_receiver.evidence.bundle import named_by
from handrail_receiver.evidence.snapshot import Snapshot, TierSeen
from handrail_receiver.model import EvidenceRecord, Incident
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.view_models.incident_views import (
    LABELS,
    impact_lines,
    in_words,
    state_word,
    trigger_of,
)
from handrail_receiver.view_models.schemas import record_view
from handrail_receiver.view_models.timeline import timeline
from handrail_receiver.words.as_markdown import paragraph, plain
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import span, when
from handrail_receiver.words.whose import happened_by

MOST_RECORDS = 500
EMPTY = "_nobody has said yet_"


@dataclass(frozen=True)
class Postmortems:
    """Drafts postmortems of what is kept; nothing outside is asked."""

    store: Store
    clock: Clock

    async def draft(self, one: Incident) -> str:
        """The draft."""
        past = await self.store.archive.attempt(one.rollout, one.number, self.clock.now(), MOST_RECORDS + 1)
        history, records = past if past is not None else (None, [])
        cut, records = len(records) > MOST_RECORDS, records[-MOST_RECORDS:]
        seen = await self._seen(records)
        lines = timeline(records, history.runs if history is not None else ())[::-1]
        happened = [
            (each.at, f"{each.subject} {each.word}: {'; '.join(each.text.splitlines())}".strip())
            for each in lines
            if each.word != "incident"
        ]
        happened += [
            (each.at, f"incident {happened_by(each.event, each.by, in_words(each))}") for each in one.events
        ]
        return draft(one, sorted(happened, key=lambda each: each[0]), seen, cut=cut)

    async def _seen(self, records: Sequence[EvidenceRecord]) -> Snapshot | None:
        """What Prometheus had recorded when the first rollback was decided; None where nothing was kept."""
        acts = {record.number for record in records if _acts(record)}
        for record in map(record_view, records):
            named = named_by(record)
            if named is None or not acts & set(json.loads(record.body)["of"]):
                continue
            text = await self.store.snapshots.read(named.snapshot)
            if text:
                return Snapshot.model_validate_json(text)
        return None


def _acts(record: EvidenceRecord) -> bool:
    body = json.loads(record.body) if record.kind == "decision" else {}
    return body.get("verdict") in {"act", "confirm"} and str(body.get("action", "")).endswith("rollback")


def draft(
    one: Incident, happened: Sequence[tuple[datetime, str]], seen: Snapshot | None, *, cut: bool = False
) -> str:
    """All of it, in the order of an incident log; every text of others is escaped.

    `cut` says that only the newest MOST_RECORDS records of the attempt were read.
    """
    parts = (
        _head(one),
        _timeline(one, happened, cut=cut),
        _impact(one),
        _figures(seen, cut=cut),
        _people(one),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(one: Incident) -> Iterator[str]:
    yield f"# Incident {plain(one.id)}: {plain(one.trigger or one.action)}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    had = one.acknowledged
    rows = {
        "Opened": when(one.opened),
        "Severity": one.severity or "none is declared",
        "Status": state_word(one)
        + (f" by {one.closed.by}, {when(one.closed.at)}: {one.closed.why}" if one.closed else ""),
        "Description": f"{trigger_of(one)} ({one.source})" if one.source else trigger_of(one),
        "Rollout": f"{one.rollout}, attempt {one.number}" + (f", stage {one.stage}" if one.stage else ""),
        "Acknowledged": f"by {had.by}, {when(had.at)}, after {span(had.after)}" if had else "by nobody",
        "False rollback": {True: "yes", False: "no", None: EMPTY}[one.false_rollback],
    }
    yield from (f"| {name} | {text if text == EMPTY else plain(text)} |" for name, text in rows.items())
    yield ""


def _impact(one: Incident) -> Iterator[str]:
    yield "## Impact"
    yield ""
    yield from (f"- {name}: {plain(text)}" for name, text in impact_lines(one.impact))
    yield f"- {LABELS['user_impact']}: {_said(one, 'user_impact')}"
    yield ""


def _timeline(one: Incident, happened: Sequence[tuple[datetime, str]], *, cut: bool) -> Iterator[str]:
    yield "## Timeline"
    yield ""
    yield "All times are UTC."
    yield ""
    if cut:
        rest = f"`handrail rollout bundle {one.rollout} DIR --attempt {one.number}` has all"
        yield f"What is older than the newest {MOST_RECORDS} records of the attempt is missing here; {rest}."
        yield ""
    yield from (f"- {at:%Y-%m-%d %H:%M:%S} {plain(text)}" for at, text in happened)
    yield ""


def _figures(seen: Snapshot | None, *, cut: bool) -> Iterator[str]:
    yield "## Figures when it was decided"
    yield ""
    if seen is None:
        older = f"it is not among the newest {MOST_RECORDS} records of the attempt"
        yield f"Unknown: {older if cut else 'nothing was kept of what Prometheus had recorded then'}."
    else:
        yield "| guardrail | tier | figure | of | limit | verdict |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(tier) for tier in seen.tiers if tier.limits)
        yield from (f"\nMissing: {plain(text)}" for text in seen.missing)
    yield ""


def _row(tier: TierSeen) -> str:
    shown = figure(tier.value, tier.unit) or "unknown"
    count = f"{float(tier.count):.6g}" if tier.count else "-"
    cells = (tier.guardrail, tier.tier, shown, count, " or ".join(tier.limits), tier.verdict)
    return f"| {' | '.join(map(plain, cells))} |"


def _people(one: Incident) -> Iterator[str]:
    for name in ("cause", "fix", "prevention"):
        yield f"## {LABELS[name]}"
        yield ""
        yield paragraph(one.notes[name]) if one.notes.get(name) else EMPTY
        yield ""
    yield "## Review"
    yield ""
    yield f"- Date: {_said(one, 'review')}"
    yield f"- {LABELS['attendees']}: {_said(one, 'attendees')}"
    yield "- Action items:" if one.follow_ups else f"- Action items: {EMPTY}"
    yield from (f"  - [ ] {plain(text)}" for text in one.follow_ups)


def _said(one: Incident, name: str) -> str:
    return plain(one.notes[name]) if one.notes.get(name) else EMPTY
