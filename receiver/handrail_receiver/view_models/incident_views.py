"""An incident → what people and programs read of it: its state, its impact in words, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.contract import Playbook
from pydantic import BaseModel

from handrail_receiver.model import ASKING, NOTES, ONE_ANSWER, Happened, Impact, Incident, IncidentEvent
from handrail_receiver.view_models.summary import Fact, Tone
from handrail_receiver.words.times import span, when
from handrail_receiver.words.whose import asked_by

LABELS = {
    "cause": "Cause",
    "fix": "Fix",
    "prevention": "Prevention",
    "user_impact": "What people noticed",
    "follow_up": "Follow-up",
    "review": "Review",
    "attendees": "Attendees",
}
"""What people say of an incident, as pages and drafts call it."""

UNKNOWN = "unknown"
NOT_YET = "not known yet: it is computed half a minute after the rollback succeeded"
"""What is said of an impact that was not computed yet."""


class ImpactView(BaseModel):
    """What it came to; null is what is not known, and `unknown` says of each why. `duration` is in seconds."""

    began: datetime | None
    ended: datetime | None
    duration: float | None
    share: float | None
    failed: dict[str, float]
    unknown: dict[str, str]


class HappenedView(BaseModel):
    """One event of an incident."""

    at: datetime
    event: str
    by: str
    text: str


class IncidentView(BaseModel):
    """An incident: `state` is open, acknowledged or closed, `attempt` the attempt's number (0: before the first), `action` the strongest
    rollback.

    `impact` is null until it was computed. `ack_by` is the next deadline for an acknowledgement, null if none is
    declared or none is needed; `late` are the deadlines that have passed, in seconds.
    """

    id: str
    rollout: str
    attempt: int
    state: str
    action: str
    severity: str
    trigger: str
    by: str
    source: str
    stage: str
    opened_at: datetime
    ack_by: datetime | None
    late: list[float]
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    closed_by: str
    closed_why: str
    impact: ImpactView | None
    cause: str
    fix: str
    prevention: str
    user_impact: str
    review: str
    attendees: str
    follow_ups: list[str]
    false_rollback: bool | None
    timeline: list[HappenedView]


class IncidentsView(BaseModel):
    """The incidents of a rollout, the newest first."""

    incidents: list[IncidentView]


class OpenIncidentView(BaseModel):
    """An incident that nobody has closed, in short: since when it is open, and who has it.

    `ack_by` is when the next deadline for an acknowledgement ends, null where none is declared or waited for; `late`: one
    has passed.
    """

    id: str
    attempt: int
    action: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    ack_by: datetime | None
    late: bool


@dataclass(frozen=True)
class IncidentLines:
    """An incident for a page: a word for its state, facts, and what happened, oldest first."""

    incident: Incident
    word: str
    tone: Tone
    facts: tuple[Fact, ...]
    happened: tuple[tuple[datetime, str, str, str], ...]


def state_word(one: Incident) -> str:
    """Whether somebody has it, and whether it is over."""
    if not one.open:
        return "closed"
    return "acknowledged" if one.acknowledged is not None else "open"


def ack_by(one: Incident, playbook: Playbook | None) -> datetime | None:
    """When the next deadline for an acknowledgement ends; None where none is waited for."""
    if playbook is None or not one.open or one.acknowledged is not None:
        return None
    left = [each.within for each in playbook.acknowledge if each.within not in one.late]
    return one.asked + timedelta(seconds=min(left)) if left else None


def open_incident_view(one: Incident, playbook: Playbook | None) -> OpenIncidentView:
    """An open incident in short, as JSON."""
    had = one.acknowledged
    return OpenIncidentView(
        id=one.id,
        attempt=one.number,
        action=one.action,
        opened_at=one.opened,
        acknowledged_at=had.at if had else None,
        acknowledged_by=had.by if had else "",
        ack_by=ack_by(one, playbook),
        late=bool(one.late) and had is None,
    )


def incident_view(one: Incident, playbook: Playbook | None) -> IncidentView:
    """An incident as JSON."""
    had, closed = one.acknowledged, one.closed
    return IncidentView(
        id=one.id,
        rollout=one.rollout,
        attempt=one.number,
        state=state_word(one),
        action=one.action,
        severity=one.severity,
        trigger=one.trigger,
        by=one.by,
        source=one.source,
        stage=one.stage,
        opened_at=one.opened,
        ack_by=ack_by(one, playbook),
        late=list(one.late),
        acknowledged_at=had.at if had else None,
        acknowledged_by=had.by if had else "",
        closed_at=closed.at if closed else None,
        closed_by=closed.by if closed else "",
        closed_why=closed.why if closed else "",
        impact=impact_view(one.impact) if one.impact else None,
        **{name: one.notes.get(name, "") for name in ONE_ANSWER},
        follow_ups=list(one.follow_ups),
        false_rollback=one.false_rollback,
        timeline=[
            HappenedView(at=each.at, event=each.event, by=each.by, text=in_words(each)) for each in one.events
        ],
    )


def impact_view(impact: Impact) -> ImpactView:
    """An impact as JSON."""
    lasted = impact.duration
    return ImpactView(
        began=impact.began,
        ended=impact.ended,
        duration=lasted.total_seconds() if lasted is not None else None,
        share=impact.share,
        failed=dict(impact.failed),
        unknown=dict(impact.unknown),
    )


def in_words(happened: Happened) -> str:
    """What an event says, for a timeline."""
    said = happened.said
    match happened.event:
        case IncidentEvent.impact:
            return happened.text
        case IncidentEvent.late:
            within = span(timedelta(seconds=float(said["within"])))
            return f"{happened.text} has not acknowledged it within {within}"
        case IncidentEvent.acknowledged:
            late = f"{span(timedelta(seconds=float(said['late'])))} late" if said.get("late") else ""
            return "; ".join(filter(None, (late, happened.text)))
        case IncidentEvent.noted | IncidentEvent.closed:
            notes = [
                f"{LABELS[name].lower()}: {said[name]}" for name in NOTES if name in LABELS and said.get(name)
            ]
            false = said.get("false_rollback")
            marks = [] if false is None else [f"false rollback: {'yes' if false else 'no'}"]
            return "; ".join(filter(None, (*notes, *marks, happened.text)))
        case IncidentEvent.opened | IncidentEvent.graver | IncidentEvent.more | IncidentEvent.failed:
            return happened.text
        case IncidentEvent.undone | IncidentEvent.reopened:
            return happened.text


def impact_lines(impact: Impact | None) -> tuple[tuple[str, str], ...]:
    """The impact in words, a name and a text each; what is not known is called that, with the reason."""
    if impact is None:
        return (("Impact", NOT_YET),)
    why = impact.unknown

    def known(name: str, text: str | None) -> str:
        return text if text is not None else f"{UNKNOWN}: {why.get(name, 'nobody said why')}"

    lasted = impact.duration
    missing = "began" if impact.began is None else "ended"
    failed = [f"{count:.0f} ({name})" for name, count in sorted(impact.failed.items())]
    failed += [
        f"{name.removeprefix('failed: ')} {UNKNOWN} ({text})"
        for name, text in sorted(why.items())
        if name.startswith("failed: ")
    ]
    return (
        ("Duration", known(missing, span(lasted) if lasted is not None else None)),
        ("Began", known("began", when(impact.began) if impact.began else None)),
        ("Ended", known("ended", when(impact.ended) if impact.ended else None)),
        ("Traffic", known("share", f"{impact.share * 100:g} %" if impact.share is not None else None)),
        ("Failed requests", "; ".join(failed) or known("failed", None)),
    )


def incident_lines(one: Incident, playbook: Playbook, now: datetime) -> IncidentLines:
    """An incident for a page at `now`."""
    word = state_word(one)
    tones: dict[str, Tone] = {"open": "bad", "acknowledged": "wait", "closed": "good"}
    return IncidentLines(
        one,
        word,
        tones[word],
        tuple(_facts(one, playbook, now)),
        tuple((each.at, each.event.value, each.by, in_words(each)) for each in one.events),
    )


def _facts(one: Incident, playbook: Playbook, now: datetime) -> Sequence[Fact]:
    stage = f", in stage {one.stage}" if one.stage else ""
    facts = [
        Fact("Severity", one.severity or "none is declared"),
        Fact("Trigger", trigger_of(one)),
        *([Fact("Became", one.action)] if one.action != _first(one) else []),
        Fact("Opened", f"{when(one.opened)}, {_in_attempt(one)}{stage}"),
        _had(one, playbook, now),
    ]
    facts += [Fact(name, text) for name, text in impact_lines(one.impact)]
    facts += _said(one)
    if one.false_rollback is not None:
        facts.append(Fact("False rollback", "yes, people say" if one.false_rollback else "no, people say"))
    if one.closed is not None:
        facts.append(Fact("Closed", f"{when(one.closed.at)} by {one.closed.by}: {one.closed.why}", "good"))
    return facts


def _in_attempt(one: Incident) -> str:
    return f"attempt {one.number}" if one.number else "before the first attempt"


def _first(one: Incident) -> str:
    """The rollback that opened it."""
    return str(one.events[0].said.get("action", one.action)) if one.events else one.action


def trigger_of(one: Incident) -> str:
    """What it was opened for, with the rollback and whoever asked for it, each named once."""
    action = _first(one)
    named = one.trigger if action in one.trigger else f"{action}: {one.trigger}"
    return f"{named}{asked_by(one.by, one.trigger)}"


def _said(one: Incident) -> Sequence[Fact]:
    """What people have said of it, and in one line what nobody has said yet."""
    told = {**one.notes, "follow_up": "; ".join(one.follow_ups)}
    said = [Fact(label, told[name]) for name, label in LABELS.items() if told.get(name)]
    left = [label.lower() for name, label in LABELS.items() if not told.get(name)]
    return [*said, Fact("Nobody has said", ", ".join(left))] if left else said


def _had(one: Incident, playbook: Playbook, now: datetime) -> Fact:
    """Who has it, or until when somebody should."""
    if one.acknowledged is not None:
        had = one.acknowledged
        return Fact("Acknowledged", f"by {had.by} at {when(had.at)}, after {span(had.after)}", "good")
    due = ack_by(one, playbook)
    asked_again = any(each.event in ASKING for each in one.events[1:])
    again = f" since it was asked for again at {when(one.asked)}" if asked_again else ""
    late = f"; late since {when(one.asked + timedelta(seconds=min(one.late)))}" if one.late else ""
    if due is None:
        return Fact("Acknowledged", f"by nobody yet{again}{late}", "bad" if one.open else "soft")
    left = f"in {span(due - now)}" if due > now else "now"
    return Fact("Acknowledged", f"by nobody yet{again}{late}; the next is told {left}", "bad")
