"""Prometheus said that this receiver is gone → Decision: people were told without it, and nothing follows. Pure."""

from __future__ import annotations

from handrail.contract import names

from handrail_receiver.model import Decision, History, Signal, Verdict


def receiver_down(signal: Signal, history: History) -> Decision:
    """What follows from an alert about the receiver itself."""
    again = "does not see this receiver" if signal.firing else "sees this receiver again"
    return Decision(
        Verdict.ignore,
        "receiver-down",
        f"Prometheus {again}",
        rollout=signal.labels.get(names.ROLLOUT, ""),
        guardrail=names.RECEIVER_GUARDRAIL,
        tier=names.DOWN,
        attempt=history.attempt.id if history.attempt else 0,
    )
