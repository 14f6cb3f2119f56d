"""What is known of a rollout's day → the status update that its team sends each day, field by field. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from handrail.contract import Playbook, names

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.reports.guardrail_values import GuardrailLine
from handrail_receiver.reports.outcomes import Outcome, Stay
from handrail_receiver.reports.period import DAY
from handrail_receiver.reports.report_input import ReportInput
from handrail_receiver.reports.reported import Field, Section
from handrail_receiver.reports.wording import lasted, local, percent

MOST_ISSUES = 20
ON_TRACK, ISSUES, BACK = "✅ On Track", "⚠️ Issues Detected", "🚨 Rollback Required"
NO_CRITERION = "nothing fired; no success criterion is declared"
NOT_SEEN = "nothing was recorded in this time"


def subject(known: ReportInput) -> str:
    """`[CANARY] Day 2/5 - mem0-redis Phase 1 Status`."""
    name, outcome = known.playbook.rollout, current(known)
    if outcome is None:
        return f"[CANARY] {name}: {'status unknown' if known.not_kept else 'no rollout under way'}"
    day = (min(known.until, outcome.ended_at or known.until) - outcome.started_at) // DAY + 1
    planned = planned_days(known.playbook)
    of = "" if planned is None else f"/{planned}" if day <= planned else f" (planned: {planned})"
    stay = last_stay(known, outcome)
    phase = f" Phase {_number(known.playbook, stay)}" if stay and _number(known.playbook, stay) else ""
    return f"[CANARY] Day {day}{of} - {name}{phase} Status"


def current(known: ReportInput) -> Outcome | None:
    """The attempt of the period: the last that had begun before its end, and had not ended before it began."""
    attempts = [
        one
        for one in known.outcomes
        if one.started_at < known.until and (one.ended_at is None or one.ended_at >= known.period.start)
    ]
    return attempts[-1] if attempts else None


def last_stay(known: ReportInput, outcome: Outcome) -> Stay | None:
    """The stage that the attempt was in last in this time."""
    stays = [stay for stay in outcome.stays if stay.start < known.until]
    return stays[-1] if stays else None


def planned_days(playbook: Playbook) -> int | None:
    """How many days the stages take at least, without those that have no time; None where none has one.

    A stage bakes, and lasts as long as the gate ahead asks for rest.
    """
    rest = {gate.into: gate.stable_for or 0 for gate in playbook.gates}
    ahead = [*(stage.name for stage in playbook.stages[1:]), names.COMPLETE]
    times = [max(stage.takes, rest.get(into, 0)) for stage, into in zip(playbook.stages, ahead, strict=False)]
    return math.ceil(sum(times) / DAY.total_seconds()) if any(times) else None


def _number(playbook: Playbook, stay: Stay) -> int:
    stages = [stage.name for stage in playbook.stages]
    return stages.index(stay.stage) + 1 if stay.stage in stages else 0


def status_section(known: ReportInput) -> Section:
    """Phase, date, status."""
    outcome = current(known)
    none = known.not_kept or "no attempt was under way in this time"
    fields = (
        _phase(known, outcome) if outcome else Field("Phase", unknown=none),
        Field("Date", str(known.period.last), note=known.period.zone),
        status(known, outcome) if outcome else Field("Status", unknown=none),
    )
    return Section("Status", fields)


def _phase(known: ReportInput, outcome: Outcome) -> Field:
    stay = last_stay(known, outcome)
    if stay is None:
        if not known.playbook.stages:
            return Field("Phase", "guarded, without stages", note=f"attempt {outcome.number}")
        return Field("Phase", unknown="it has entered no stage yet")
    share = "its traffic is not set by weight" if stay.weight is None else f"{percent(stay.weight)} traffic"
    number = _number(known.playbook, stay)
    return Field("Phase", f"{number or stay.stage} ({share})", note=f"attempt {outcome.number}")


def status(known: ReportInput, outcome: Outcome) -> Field:
    """On track only where everything could be seen, and people were told of nothing but too few events to judge by."""
    failure = outcome.failure
    if failure is not None and failure.within(known.period.start, known.until):
        took = "it is not over" if failure.lasted is None else f"done in {lasted(failure.lasted)}"
        return Field("Status", f"{BACK}: {took}")
    if any(_source(json.loads(record.body)) not in known.playbook.aside for record in known.told):
        return Field("Status", ISSUES)
    if isinstance(known.guardrails, str):
        return Field("Status", unknown=f"nothing fired; {known.guardrails}")
    if not known.guardrails:
        return Field("Status", f"{ON_TRACK}: {NO_CRITERION}")
    unseen = not all(one.text for one in known.guardrails)
    return Field("Status", f"{ISSUES}: not every guardrail could be seen" if unseen else ON_TRACK)


def metrics_section(known: ReportInput) -> Section:
    """Each guardrail that a gate asks for, beside its target."""
    title = f"Metrics ({_hours(known.until - known.period.start)})"
    if isinstance(known.guardrails, str):
        return Section(title, (Field("All", unknown=known.guardrails),))
    fields = tuple(
        Field(one.title, one.text, NOT_SEEN + f"; target: {one.target}", f"target: {one.target}")
        for one in _chosen(known.playbook, known.guardrails)
    )
    return Section(title, fields, () if fields else ("no guardrail has a success criterion",))


def _chosen(playbook: Playbook, lines: Sequence[GuardrailLine]) -> Sequence[GuardrailLine]:
    """Those that the report names, in its order; all where it names none."""
    named = {one.name: one for one in lines}
    return [named[name] for name in playbook.report.guardrails if name in named] or lines


def _hours(time: timedelta) -> str:
    return f"last {time.total_seconds() / 3600:.3g} h"


def issues_section(known: ReportInput) -> Section:
    """What people heard of, the newest last."""
    lines = [_issue(known, record) for record in known.told]
    left_out = len(lines) - MOST_ISSUES
    more = [f"… {left_out} earlier"] if left_out > 0 else []
    none = f"unknown: {known.not_kept}" if known.not_kept else "none"
    return Section("Issues", lines=(*more, *lines[-MOST_ISSUES:]) or (none,))


def _issue(known: ReportInput, record: EvidenceRecord) -> str:
    said = json.loads(record.body)
    about = _source(said)
    what = " ".join(filter(None, (said["action"] or said["verdict"], about)))
    return f"{local(record.at, known.period.zone)} {what}: {said['text']}"


def _source(said: Mapping[str, str]) -> str:
    return "/".join(filter(None, (said["guardrail"], said["tier"])))


def next_section(known: ReportInput) -> Section:
    """What it waits for, as it stands when the report is made."""
    return Section("Next steps", lines=(f"{known.waits_for} (as of {local(known.now, known.period.zone)})",))


def dashboard_section(known: ReportInput) -> Section:
    """Where to look on."""
    return Section("Dashboard", lines=(known.playbook.dashboard_url or "none is declared",))
