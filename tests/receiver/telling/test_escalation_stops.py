"""A real Prometheus with the generated rules and a real Alertmanager: whom an escalation told hears that somebody has it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import servers
from apis import Inbox
from guarded.alertmanagers import alertmanager, sends_to
from guarded.scraped import watched
from handrail.declare import Above, Critical, Environment, Gauge, Guardrail, Level, Rollout
from handrail.emit.document import yaml_document
from handrail.emit.groups import rules
from handrail.lower import lower

SHOP = Rollout(
    "shop",
    "shop",
    guardrails=[Guardrail("disk", Gauge("disk_used"), tiers=[Critical(Above("5"), action="investigate")])],
    escalation=[Level("manager", "1s", "the manager")],
    scrape="1s",
    evaluate="1s",
)


def heard(inbox: Inbox) -> list[str]:
    """The state of the escalation in each delivery of it, each change once."""
    alerts: list[dict[str, Any]] = [one for request in inbox.requests for one in request.json["alerts"]]
    said = [one["status"] for one in alerts if one["labels"].get("level") == "manager"]
    return [status for place, status in enumerate(said) if place == 0 or said[place - 1] != status]


def test_whom_an_escalation_told_hears_that_somebody_has_it_and_hears_again_when_nobody_does(
    tmp_path: Path,
) -> None:
    (planned,) = lower([SHOP], Environment("production")).rollouts
    acknowledged = 'handrail_incident_acknowledged_timestamp_seconds{rollout="shop"}'
    with Inbox() as inbox, alertmanager(tmp_path, "0.25", sends_to(f"{inbox.url}/manager")) as manager:
        text = yaml_document(rules(planned), "a test")
        address = manager.url.removeprefix("http://")
        with watched(tmp_path, {"disk_used": 9.0}, [address], rules=text) as application:
            servers.until(lambda: heard(inbox) == ["firing"], "the manager to be told")
            application.values[acknowledged] = time.time()
            servers.until(
                lambda: heard(inbox) == ["firing", "resolved"], "the manager to hear that somebody has it"
            )
            del application.values[acknowledged]
            servers.until(lambda: heard(inbox)[2:] == ["firing"], "the manager to hear that nobody has it")
