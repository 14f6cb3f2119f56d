"""An alert that was missed while we were away → what follows from it; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from handrail.contract import Playbook, TierFacts, names

from handrail_receiver.catch_up.mutes import PastAlert
from handrail_receiver.intake.parse import AlertBody
from handrail_receiver.model import Decision, History, SetHold, Verdict

Follows = Literal["act", "leave", "wait", "hold"]
UNKNOWN = (
    "an alert fired that Alertmanager did not deliver, and no Alertmanager says whether it was silenced; "
    "look at it, then resume or roll back"
)
TOO_MANY = (
    "more of its alerts fired without being delivered than can be read; look at it, then resume or roll back; "
    "and let its rules aggregate"
)


@dataclass(frozen=True)
class MissedAlert:
    """What fired. `muted` says by what it was: empty for nothing, None when nobody says."""

    fired: PastAlert
    muted: str | None

    @property
    def rollout(self) -> str:
        """The rollout that it is about."""
        return self.fired.labels.get(names.ROLLOUT, "")

    @property
    def source(self) -> str:
        """Guardrail and tier, as they are remembered."""
        return f"{self.fired.labels.get(names.GUARDRAIL)}/{self.fired.labels.get(names.TIER)}"

    @property
    def text(self) -> str:
        """When it fired, for people."""
        until = "and still does" if self.fired.still else f"to {self.fired.last:%H:%M:%S}"
        return f"it fired from {self.fired.first:%H:%M:%S} {until} UTC; found by asking Prometheus"


def is_news(missed: MissedAlert, history: History | None) -> bool:
    """Whether it belongs to a live attempt in which nobody told us of it, as far as that can be read (None: it cannot)."""
    if history is None:
        return True
    fired, attempt = missed.fired, history.attempt
    if attempt is None or not attempt.live or fired.last < attempt.started_at:
        return False
    said = [one for one in history.said if one.source == missed.source]
    return not any(one.firing or one.at >= fired.first for one in said)


def began(missed: MissedAlert, history: History) -> datetime:
    """Since when it fires, in the attempt: it is not older than what it is about."""
    attempt = history.attempt
    return missed.fired.first if attempt is None else max(missed.fired.first, attempt.started_at)


def follows(
    missed: MissedAlert, playbook: Playbook, unsure: Literal["act", "hold"], *, again: bool
) -> Follows:
    """What to do. When nobody says whether it was muted, we ask once more (`again`); then it is a declared case."""
    if missed.muted:
        return "leave"
    tier = _tier(missed, playbook)
    if missed.muted == "" or tier is None or tier.action not in names.ACTING:
        return "act"
    return unsure if again else "wait"


def said(missed: MissedAlert, playbook: Playbook, history: History) -> Decision:
    """The decision to leave it alone, or to hold and tell people because nobody says whether it was muted."""
    tier = _tier(missed, playbook)
    known = Decision(
        Verdict.note,
        "muted",
        f"{missed.text}; {missed.muted}: left alone",
        rollout=playbook.rollout,
        action=tier.action if tier else "",
        guardrail=missed.fired.labels.get(names.GUARDRAIL, ""),
        tier=missed.fired.labels.get(names.TIER, ""),
        attempt=history.attempt.id if history.attempt else 0,
    )
    if missed.muted:
        return known
    attempt = history.attempt
    held = attempt is not None and attempt.held_for(UNKNOWN)
    return replace(
        known,
        verdict=Verdict.repeat if held else Verdict.hold,
        reason="silences-unknown",
        text=f"{missed.text}; no Alertmanager says whether it was silenced",
        changes=() if held else (SetHold(attempt.held_as_well(UNKNOWN) if attempt else UNKNOWN),),
    )


def too_many(playbook: Playbook, history: History) -> Decision:
    """The decision to hold where more alerts fired than can be read; nothing where no attempt is live."""
    attempt = history.attempt
    hold = (
        (SetHold(attempt.held_as_well(TOO_MANY)),)
        if attempt is not None and attempt.live and not attempt.held_for(TOO_MANY)
        else ()
    )
    return Decision(
        Verdict.hold if hold else Verdict.repeat,
        "too-many",
        TOO_MANY,
        rollout=playbook.rollout,
        action="rollback",
        attempt=attempt.id if attempt else 0,
        changes=hold,
    )


def bodies(missed: MissedAlert, starts_at: datetime) -> list[AlertBody]:
    """What is delivered of it: it fires, and it has stopped if it has."""
    firing = AlertBody(
        status="firing",
        labels=dict(missed.fired.labels),
        annotations={"description": missed.text},
        startsAt=starts_at,
    )
    return [firing] if missed.fired.still else [firing, firing.model_copy(update={"status": "resolved"})]


def _tier(missed: MissedAlert, playbook: Playbook) -> TierFacts | None:
    labels = missed.fired.labels
    return playbook.tier(labels.get(names.GUARDRAIL, ""), labels.get(names.TIER, ""))
