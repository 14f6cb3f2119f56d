"""A bundle → its summary as Markdown, the document that people sign off: each artefact with its figures, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from handrail.contract import names

from handrail_receiver.evidence.bundle import BURSTS, SNAPSHOTS, BundleIndex, Contents, dashboards_of
from handrail_receiver.evidence.burst import BURST, BurstRecord
from handrail_receiver.evidence.declared import DeclaredLine, declared_lines
from handrail_receiver.evidence.snapshot import ArmShare, Snapshot
from handrail_receiver.view_models.schemas import RecordView, RunView
from handrail_receiver.words.as_markdown import paragraph, plain
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import clock, when

SAID = {"checked", "approved"}
"""The reasons of decisions that are a person's answer or approval."""
BAD = {"broken": "BREACH", "beyond": "BREACH", "blind": "blind", "unknown": "unknown"}


def summary(contents: Contents, index: BundleIndex) -> str:
    """The document; every text of others is escaped."""
    taken = contents.taken()
    parts = (
        _head(contents, index),
        _missing(index),
        _traffic(contents, index),
        _dashboards(contents),
        _rules(taken),
        _bursts(contents),
        _checks(contents, taken),
        _decisions(contents, taken),
        _sign_off(contents),
        _runs(contents.runs.runs),
    )
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(contents: Contents, index: BundleIndex) -> Iterator[str]:
    attempt = contents.attempt
    yield f"# {plain(attempt.rollout)}, attempt {attempt.number}: summary"
    yield ""
    yield from _table(
        ("", ""),
        [
            ("State", f"{attempt.state}{f', stage {attempt.stage}' if attempt.stage else ''}"),
            ("Started", f"{when(attempt.started_at)} by {attempt.started_by}"),
            ("Made", when(index.made_at)),
            ("Artifact", attempt.artifact or "none was given"),
            ("Runbook", index.runbook or "none is declared"),
            ("Evidence", f"evidence.json, up to record {index.head[0]}, {index.head[1]}"),
        ],
    )


def _missing(index: BundleIndex) -> Iterator[str]:
    yield "## Complete" if index.complete else "## Missing"
    yield ""
    yield from (f"- {paragraph(one)}" for one in index.missing)
    if index.complete:
        yield "Nothing is missing."


def _traffic(contents: Contents, index: BundleIndex) -> Iterator[str]:
    yield "## Traffic"
    yield ""
    if index.before or index.after:
        yield f"As it was counted: before {_shares(index.before)}; after {_shares(index.after)}."
        yield ""
    rows = [
        (when(run.acted_at or run.decided_at), _named(run), step.what, f"{step.state}: {step.found}")
        for run in contents.runs.runs
        for step in run.steps
    ]
    yield from _table(("at", "to", "step", "read back"), rows, "No step was carried out.")


def _shares(split: Sequence[ArmShare]) -> str:
    known = (
        f"{plain(one.arm)} {'no traffic' if one.share is None else f'{one.share * 100:.3g} %'}"
        for one in split
    )
    return ", ".join(known) or "unknown"


def _dashboards(contents: Contents) -> Iterator[str]:
    yield "## Dashboards"
    yield ""
    yield "At the time of the attempt. report.html has the plots, also without a Grafana."
    yield ""
    yield from (f"- [{plain(one.title)}]({one.url})" for one in dashboards_of(contents))


def _rules(taken: dict[int, Snapshot]) -> Iterator[str]:
    """Which rules guarded it, and that Prometheus had loaded them: by the first snapshot, and where it was another later."""
    yield "## Alert rules"
    yield ""
    said = ""
    for number, one in sorted(taken.items()):
        text = one.rules.text or "Prometheus had loaded exactly the generated rules"
        if text != said:
            digest = one.rules.generated or "unknown"
            yield f"- {when(one.at)}, record {number}: {plain(text)} (digest {plain(digest)})"
        said = text
    if not taken:
        yield "Unknown: no snapshot was kept."
        return
    yield ""
    tiers = [tier for tier in taken[min(taken)].tiers if tier.limits]
    rows = [(tier.name, " or ".join(tier.limits), tier.action) for tier in tiers]
    yield from _table(("alert", "limit", "asks for"), rows)


def _bursts(contents: Contents) -> Iterator[str]:
    yield "## Load bursts"
    yield ""
    bursts = [one for one in contents.own.records if one.kind == BURST]
    for record in bursts:
        said = BurstRecord.model_validate_json(record.body)
        share = f"{said.well / said.sent * 100:.4g} % well" if said.sent else "none was sent"
        share = share if said.known else "nobody knows how many were well"
        mean = f", {said.seconds.mean * 1000:.4g} ms on average" if said.seconds else ""
        yield f"- {'OK' if said.ok else 'BREACH'}: {plain(said.text)}: {share}{mean}; {BURSTS}/{record.number}.log and .json"
    if not bursts:
        yield "None was made."


def _checks(contents: Contents, taken: dict[int, Snapshot]) -> Iterator[str]:
    """A row for each check that was owed, a column for each guardrail."""
    yield "## Checks"
    yield ""
    lines = [
        line
        for line in declared_lines(contents.playbook, contents.own.records, contents.attempt.id)
        if line.kind != BURST
    ]
    guardrails = [one.name for one in contents.playbook.guardrails]
    rows = [_check(line, taken, guardrails) for line in lines]
    yield from _table(("check", "due", *guardrails, "instances", "found", "file"), rows, "None is declared.")


def _check(line: DeclaredLine, taken: dict[int, Snapshot], guardrails: Sequence[str]) -> tuple[str, ...]:
    name = f"{line.label}, stage {line.stage}"
    due = f"{when(line.due_at)}{', late' if line.late else ''}"
    if line.record is None:
        return (name, due, *("" for _ in guardrails), "", "never made", "")
    seen = taken.get(line.record)
    figures = ["" if seen is None else said(seen, one) for one in guardrails]
    result = "OK" if line.ok else f"not OK: {line.text}"
    instances = "" if seen is None else seen.instances_text or "unknown"
    return (
        name,
        due,
        *figures,
        instances,
        result,
        "gone" if seen is None else f"{SNAPSHOTS}/{line.record}.json",
    )


def said(taken: Snapshot, guardrail: str) -> str:
    """What a snapshot found of a guardrail: `812 ms OK`, `2.1 s BREACH`."""
    tiers = [one for one in taken.tiers if one.guardrail == guardrail and not one.shadow]
    shown = next((figure(one.value, one.unit) for one in tiers if one.value), "")
    word = next((BAD[one] for one in BAD if any(tier.verdict == one for tier in tiers)), "OK")
    return f"{shown} {word if tiers else 'unknown'}".strip()


def _decisions(contents: Contents, taken: dict[int, Snapshot]) -> Iterator[str]:
    """What was decided, each with the criteria of its gate and the figures of then."""
    yield "## Decisions"
    yield ""
    at = {number: one for one in taken.values() for number in one.of}
    for record, body in _said(contents):
        if body["reason"] in SAID or body["verdict"] in {"shadow", "repeat"}:
            continue
        by = "" if body["by"] == "alert" else f", by {plain(str(body['by']))}"
        yield f"- {when(record.at)}, record {record.number}{by}: {plain(str(body['text']))}"
        seen = at.get(record.number)
        for one in () if seen is None else seen.criteria:
            shown = said(seen, one.guardrail).rpartition(" ")[0] if seen else ""
            figures = f", {shown} at the end" if shown else ""
            yield f"  - {one.verdict}: {plain(one.name)}{figures}"


def _sign_off(contents: Contents) -> Iterator[str]:
    yield "## Sign-off"
    yield ""
    lines = [
        f"- {when(record.at)}, record {record.number}: {plain(str(body['text']))}"
        for record, body in _said(contents)
        if body["reason"] in SAID
    ]
    yield from lines or ["Nobody answered or approved anything."]


def _said(contents: Contents) -> Iterator[tuple[RecordView, dict[str, Any]]]:
    """The decisions about the attempt."""
    for record in contents.chain.records:
        body = json.loads(record.body) if record.kind == "decision" else {}
        if body.get("attempt") == contents.attempt.id:
            yield record, body


def _runs(runs: Sequence[RunView]) -> Iterator[str]:
    """The record of each promotion, and of each rollback with its reason and what it took."""
    forward = [run for run in runs if run.action not in names.ACTING]
    back = [run for run in runs if run.action in names.ACTING]
    for title, several in (("Promotions", forward), ("Rollbacks", back)):
        yield f"## {title}"
        yield ""
        rows = [
            (
                _named(run),
                run.asked_by,
                run.reason,
                when(run.decided_at),
                *("-" if one is None else clock(one) for one in (run.acted_at, run.proved_at)),
                f"{run.state}: {run.text}".rstrip(": "),
            )
            for run in several
        ]
        yield from _table(("what", "by", "why", "decided", "acted", "proved", "ended"), rows, "None.")
        if title == "Promotions":
            yield ""


def _named(run: RunView) -> str:
    return f"{run.action} {run.key}".rstrip() + (", once more" if run.round else "")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str = "") -> Iterator[str]:
    known = list(rows)
    if empty and not known:
        yield empty
        return
    for row in (columns, ["---"] * len(columns), *([plain(one) for one in row] for row in known)):
        yield f"| {' | '.join(row)} |"
