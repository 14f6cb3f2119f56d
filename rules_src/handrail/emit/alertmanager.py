"""Plan → alertmanager/alertmanager.yml: which alert goes to whom, and which one silences which.

What acts goes to the receiver at once and again every few minutes; what people read waits for company.
"""

from __future__ import annotations

from handrail import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import Plan

RECEIVER = "handrail"
HEARTBEAT = "handrail-heartbeat"


def emit(plan: Plan) -> dict[str, str]:
    """The configuration of Alertmanager."""
    data: Data = {
        "route": _routes(),
        "inhibit_rules": _inhibitions(),
        "receivers": [_receiver(RECEIVER, plan), _receiver(HEARTBEAT, plan)],
    }
    return {"alertmanager/alertmanager.yml": yaml_document(data, plan.source)}


def _routes() -> Data:
    acting = "|".join(names.ACTING)
    return {
        "receiver": RECEIVER,
        "group_by": [names.ROLLOUT, names.SERVICE],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "1h",
        "routes": [
            {
                "receiver": HEARTBEAT,
                "matchers": [f'alertname="{names.HEARTBEAT_ALERT}"'],
                "group_by": [names.ROLLOUT],
                "group_wait": "0s",
                "group_interval": "30s",
                "repeat_interval": "30s",
            },
            {
                "receiver": RECEIVER,
                "matchers": [f'{names.ACTION}=~"{acting}"'],
                "group_by": [names.ROLLOUT, names.SERVICE, names.GUARDRAIL, names.ACTION],
                "group_wait": "0s",
                "group_interval": "15s",
                "repeat_interval": "4m",
            },
        ],
    }


def _inhibitions() -> list[Data]:
    # `equal` holds only where both alerts carry the labels, and every alert of ours carries these.
    return [
        {
            "source_matchers": [f'{names.TIER}="{graver}"'],
            "target_matchers": [f'{names.TIER}=~"{milder}"'],
            "equal": [names.ROLLOUT, names.SERVICE, names.GUARDRAIL],
        }
        for graver, milder in (("emergency", "critical|warning"), ("critical", "warning"))
    ]


def _receiver(name: str, plan: Plan) -> Data:
    return {
        "name": name,
        "webhook_configs": [
            {
                "url": f"{plan.environment.receiver}/webhooks/alertmanager",
                "send_resolved": True,
                "max_alerts": 0,
                "http_config": {
                    "follow_redirects": False,
                    "authorization": {"type": "Bearer", "credentials_file": plan.environment.token_file},
                },
            }
        ],
    }
