"""An alert → its series, and what it says of that beside what is remembered; pure."""

from __future__ import annotations

import hashlib

from handrail_receiver.model import Heard, History, Signal


def series_of(signal: Signal) -> str:
    """A hash of all labels of an alert, which tells the series of one guardrail apart."""
    text = "\n".join(f"{name}={signal.labels[name]}" for name in sorted(signal.labels))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cannot_see(guardrail: str) -> str:
    """Why a rollout is held while a guardrail is blind; by these words the hold is found again when that is over."""
    return f"{guardrail} cannot see"


def heard_now(signal: Signal, source: str) -> Heard:
    """What an alert says now, as it is remembered."""
    began = signal.starts_at if signal.firing else None
    return Heard(series_of(signal), source, signal.firing, began=began)


def fired_before(signal: Signal, history: History) -> bool | None:
    """Whether an alert was firing when we last heard of it, None when we never did.

    One that has begun again since was not: its end is late, or was lost.
    """
    since = history.fires_since(series_of(signal))
    if signal.firing and since is not None and signal.starts_at is not None and signal.starts_at > since:
        return False
    return history.heard(series_of(signal))


def ended_before(signal: Signal, history: History) -> bool:
    """Whether it is the end of what fired earlier, and the same alert fires again since: two Alertmanagers, or one that
    tries again, deliver in any order. All instants are the alert's own.
    """
    if signal.firing or signal.starts_at is None or signal.ends_at is None:
        return False
    since = history.fires_since(series_of(signal))
    return since is not None and max(signal.starts_at, signal.ends_at) < since
