"""The alerts of one delivery → those that are decided one by one; many series of one tier count as one.

A rule with thousands of series says one thing thousands of times: it is decided once, and what each series says is
remembered. If one rollout cannot be decided, its people are told, and the others go on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from handrail.contract import Playbook, names

from handrail_receiver.decide.admission import STATE_REASON, counted
from handrail_receiver.decide.alert_series import ended_before, fired_before, heard_now, series_of
from handrail_receiver.model import Decision, Signal, Verdict
from handrail_receiver.ports import Look

FAULT = "fault"
MANY = 20
"""From this many series of one tier in one delivery on, they are decided as one."""
FAULTS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
"""What a bad row, a bad playbook or a bug of ours raises; a database's errors are none of them."""
SAME = (
    names.ROLLOUT,
    names.GUARDRAIL,
    names.TIER,
    names.ACTION,
    names.MODE,
    names.ENVIRONMENT,
    names.ALERTNAME,
)


def by_tier(signals: Sequence[Signal]) -> tuple[list[Signal], list[list[Signal]]]:
    """The alerts to judge, in their order; and, of each tier with many series, all the others."""
    groups: dict[tuple[object, ...], list[Signal]] = {}
    for signal in signals:
        groups.setdefault(_group(signal), []).append(signal)
    many = {group: _newest_first(alerts) for group, alerts in groups.items() if len(alerts) >= MANY}
    chosen = [signal for signal in signals if many.get(_group(signal), [signal])[0] is signal]
    return chosen, [alerts[1:] for alerts in many.values()]


def heard_as_well(
    signals: Sequence[Signal], look: Look, playbook: Playbook | None = None, origin: str = ""
) -> Iterator[Decision]:
    """Remember what the other series of a tier say; what follows from them was decided with the first."""
    signals = [counts for one in signals if (counts := counted(one, playbook)) is not None]
    if not signals:
        return
    rollout, guardrail, tier = (signals[0].labels.get(label, "") for label in SAME[:3])
    history = look(rollout) if rollout else None
    if history is None or history.attempt is None:
        return
    news = {series_of(one): one for one in signals if not ended_before(one, history)}
    heard = tuple(
        replace(heard_now(one, f"{guardrail}/{tier}"), origin=origin)
        for one in news.values()
        if fired_before(one, history) != one.firing
    )
    text = f"{len(signals)} more series of {guardrail}/{tier} say the same"
    yield Decision(
        Verdict.repeat,
        "same-tier",
        text,
        rollout=rollout,
        guardrail=guardrail,
        tier=tier,
        attempt=history.attempt.id,
        changes=heard,
    )


def bounded(decisions: Iterable[Decision], signal: Signal, newest: Playbook | None) -> Iterator[Decision]:
    """The decisions about an alert; if one fails with an error, a decision that says so."""
    left = iter(decisions)
    while True:
        try:
            decision = next(left)
        except StopIteration:
            return
        except FAULTS as error:
            yield undecided(signal, newest, error)
            return
        yield decision


def undecided(signal: Signal, newest: Playbook | None, error: Exception) -> Decision:
    """An alert that cannot be decided: people must look."""
    rollout = newest.rollout if newest else signal.labels.get(names.ROLLOUT, "")
    action = signal.labels.get(names.ACTION, "")
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return Decision(
        Verdict.tell if newest else Verdict.ignore,
        FAULT,
        f"its alert asks for {action or 'something'} and cannot be decided ({said}); people must act",
        rollout=rollout if newest else "",
        action="emergency-rollback",
        guardrail=signal.labels.get(names.GUARDRAIL, ""),
        tier=signal.labels.get(names.TIER, ""),
    )


def _group(signal: Signal) -> tuple[object, ...]:
    reason = signal.annotations.get(STATE_REASON, "")
    return (signal.firing, reason, *(signal.labels.get(label, "") for label in SAME))


def _newest_first(signals: list[Signal]) -> list[Signal]:
    """The one that began last is decided: an alert that is older than the attempt is less certain."""
    dated = [signal for signal in signals if signal.starts_at is not None]
    newest = max(dated, key=lambda signal: str(signal.starts_at), default=signals[0])
    return [newest, *(signal for signal in signals if signal is not newest)]
