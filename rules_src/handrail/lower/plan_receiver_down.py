"""A rollout → the alert that says that its receiver is gone. Alertmanager tells people of it without the receiver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handrail import plan
from handrail.base import where_of
from handrail.contract import names
from handrail.lower.rollout_context import RolloutContext
from handrail.units import span

GONE_FOR = timedelta(minutes=5)
"""A restart or a scrape that fails is shorter."""


def lower_receiver_down(
    context: RolloutContext, chains: Sequence[plan.Guardrail | plan.Slo]
) -> plan.Alert | None:
    """The alert: it looks for what every receiver exports, whatever the scrape job is called.

    As severe as a critical alert where the receiver would roll back or wake everybody, a warning otherwise. None if the
    rollout needs no receiver: it has no stages, and its alerts only ask people to look.
    """
    rollout, gone_for = context.rollout, context.scale.time(GONE_FOR)
    grave = any(map(_grave, chains))
    if not grave and not context.stages:
        return None
    severity = context.severity("critical" if grave else "warning")
    exported = plan.Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", rollout.name),))
    if not context.stages:  # of such a rollout a receiver exports nothing before the first attempt
        exported = plan.Selector(names.HEARTBEAT_AGE_METRIC)
    return plan.Alert(
        name=names.alert_name(rollout.name, names.RECEIVER_GUARDRAIL, names.DOWN),
        tier=names.DOWN,
        severity=severity,
        action="investigate",
        expr=f"absent({exported})",
        sustained=gone_for,
        keep_firing_for=timedelta(),
        labels=context.labels(names.RECEIVER_GUARDRAIL, names.DOWN, severity, "investigate"),
        summary=f"{rollout.name} is not guarded: Handrail's receiver is down",
        description=(
            f"Prometheus has seen no receiver {_missing(rollout.name, span(gone_for), guards=bool(context.stages))}. "
            "Whatever fires, nothing is rolled back until it is back: see the runbook."
        ),
        conditions=(),
        during=None,
        note=None,
        where=where_of(rollout),
    )


def _missing(rollout: str, gone_for: str, *, guards: bool) -> str:
    """What has not been seen, and why; `guards`: one with this playbook, otherwise any receiver."""
    if guards:
        return f"that guards {rollout} for {gone_for}: it is down, cannot be scraped, or lacks the playbook"
    return f"for {gone_for}: it is down, or cannot be scraped"


def _grave(chain: plan.Guardrail | plan.Slo) -> bool:
    shadow = isinstance(chain, plan.Guardrail) and chain.shadow
    return not shadow and any(
        alert.action in names.ACTING or alert.tier == names.TIERS[-1] for alert in chain.alerts
    )
