"""A tier → the alert that Alertmanager sends for it, as JSON or as a Signal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from handrail.contract import names
from handrail_receiver.model import Signal

from .playbook import ENVIRONMENT, GUARDRAILS, ROLLOUT

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def labels(guardrail: str = "error-rate", tier: str = "critical", **more: str) -> dict[str, str]:
    """The labels of a tier's alert."""
    return {
        "alertname": names.alert_name(ROLLOUT, guardrail, tier),
        "rollout": ROLLOUT,
        "service": ROLLOUT,
        "guardrail": guardrail,
        "tier": tier,
        "severity": tier,
        "action": GUARDRAILS.get(guardrail, {}).get(tier, "rollback"),
        "environment": ENVIRONMENT,
        **more,
    }


def signal(
    guardrail: str = "error-rate", tier: str = "critical", *, firing: bool = True, **more: str
) -> Signal:
    """An alert that has been read."""
    return Signal(firing, labels(guardrail, tier, **more), starts_at=NOW)


def alert(
    guardrail: str = "error-rate",
    tier: str = "critical",
    *,
    status: str = "firing",
    starts_at: datetime | None = None,
    **more: str,
) -> dict[str, Any]:
    """One alert of a body."""
    began = (starts_at or datetime.now(UTC)).isoformat().replace("+00:00", "Z")
    return {
        "status": status,
        "labels": labels(guardrail, tier, **more),
        "annotations": {"summary": f"{guardrail} is bad"},
        "startsAt": began,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else began,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "0123456789abcdef",
    }


def body(*alerts: dict[str, Any], **more: Any) -> bytes:
    """A delivery, as Alertmanager 0.25 makes it."""
    given = alerts or (alert(),)
    firing = any(one["status"] == "firing" for one in given)
    whole = {
        "version": "4",
        "groupKey": '{}/{rollout="shop"}:{rollout="shop"}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "handrail",
        "groupLabels": {"rollout": ROLLOUT},
        "commonLabels": {"rollout": ROLLOUT},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(given),
    }
    return json.dumps({**whole, **more}).encode()
