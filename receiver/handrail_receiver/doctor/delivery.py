"""Prometheus → Alertmanager → receiver: is each known to the one before, and does an alert get through?"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from handrail.contract import Playbook, names
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, Field

from handrail_receiver.doctor.findings import Finding, failed, ok, unknown
from handrail_receiver.outside.prometheus import PartialFlag

FRESH = timedelta(minutes=5)
"""How old the heartbeat may be: as old as the receiver lets it be where nobody sets that."""
LASTS = timedelta(minutes=2)
"""How long the test alert fires: longer than Alertmanager waits with a group."""
LONGEST = 60.0
"""How many seconds it may take; Alertmanager's routes wait ten with it."""
PAGE = "`handrail docs troubleshooting`"


class _Alertmanager(BaseModel):
    url: str


class _Alertmanagers(BaseModel):
    activeAlertmanagers: Annotated[list[_Alertmanager], Field(max_length=1000)]  # noqa: N815  Prometheus' spelling


class AlertmanagersAnswer(PartialFlag):
    """What Prometheus' /api/v1/alertmanagers answers."""

    status: Literal["success"]
    data: _Alertmanagers


def of_alertmanagers(answer: AlertmanagersAnswer) -> Finding:
    """Whether Prometheus has an Alertmanager to send to."""
    urls = [one.url for one in answer.data.activeAlertmanagers]
    if urls:
        return ok("prometheus → alertmanager", ", ".join(urls))
    cure = "load the generated prometheus.yml, or name the Alertmanagers in `alerting` of yours"
    return failed("prometheus → alertmanager", "Prometheus knows no Alertmanager", cure)


def figure(page: str, metric: str, **labels: str) -> float | None:
    """A metric with these labels and no others on a page of /metrics; None where it is not."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if (sample.name, sample.labels) == (metric, labels):
                return float(sample.value)
    return None


def of_heartbeat(page: str) -> Finding:
    """Whether what Prometheus always fires has reached the receiver lately."""
    what, age = "alertmanager → receiver", figure(page, names.HEARTBEAT_AGE_METRIC)
    cure = f"see 'Alerts do not fire' in {PAGE}"
    if age is None:
        return unknown(
            what, "the receiver's metrics do not say how old the heartbeat is", "update the receiver"
        )
    if figure(page, names.HEARTBEAT_METRIC) == 0 and age <= FRESH.total_seconds():
        text = f"no heartbeat came yet, {age:.0f} s after the receiver's start"
        return unknown(what, text, f"ask again in a minute; else {cure}")
    if age <= FRESH.total_seconds():
        return ok(what, f"the heartbeat is at most {age:.0f} s old")
    text = f"no heartbeat for {age:.0f} s"
    if refused := figure(page, "handrail_notifications_total", result="unauthorized"):
        text += f"; {refused:.0f} deliveries were refused with 401 since the receiver's start"
        cure = f"give Alertmanager's `credentials_file` the token of the role alertmanager, and reload it; else {cure}"
    return failed(what, text, cure)


def of_kill_switch(said: Mapping[str, Any]) -> Finding:
    """Whether the receiver may act, by what it says of its kill switch."""
    what = "kill switch"
    if "error" in said:
        return unknown(what, str(said["error"]), "`handrail kill-switch status` asks again")
    if said["on"]:
        why = f": {said['text']}" if said["text"] else ""
        cure = '`handrail kill-switch off --why "…"` lets the receiver act again'
        return failed(what, f"it is set, and nothing is rolled back automatically{why}", cure)
    return ok(what, "it is not set")


def alert(playbook: Playbook, now: datetime) -> dict[str, object]:
    """The test alert: of a known rollout so that every route takes it, in a group of its own, for nobody but the receiver."""
    labels = {
        names.ALERTNAME: names.TEST_ALERT,
        names.ROLLOUT: playbook.rollout,
        names.SERVICE: f"handrail-test-{secrets.token_hex(4)}",
        names.ACTION: "investigate",
        names.SEVERITY: "none",
        **({names.ENVIRONMENT: playbook.environment} if playbook.environment else {}),
    }
    text = "sent by `handrail doctor --send-alert`; nothing is wrong, and nothing follows from it"
    return {
        "labels": labels,
        "annotations": {"summary": text, "description": text},
        "startsAt": now.isoformat(),
        "endsAt": (now + LASTS).isoformat(),
    }


async def arrived(
    before: float | None, page: Callable[[], Awaitable[str]], every: float = 1.0, longest: float = LONGEST
) -> Finding:
    """Whether the test alert came, by the receiver's own metric, which was `before` when it was sent."""
    what, loop = "test alert", asyncio.get_running_loop()
    began = loop.time()
    if before is None:
        return unknown(what, f"the receiver has no {names.TEST_ALERT_METRIC}", "update the receiver")
    while (took := loop.time() - began) < longest:
        if figure(await page(), names.TEST_ALERT_METRIC) != before:
            return ok(what, f"it reached the receiver after {took:.0f} s; nothing follows from it")
        await asyncio.sleep(every)
    cure = f"see 'Alerts do not fire' in {PAGE}: Alertmanager's log says what the receiver answered"
    return failed(what, f"it did not reach the receiver within {longest:g} s", cure)
