"""A rollout with everything that concerns routing: own severities, levels, a shadow, people, a weaker graver action."""

from __future__ import annotations

from dataclasses import replace

from handrail import plan
from handrail.declare import (
    Above,
    Cluster,
    Command,
    Critical,
    EmailReceiver,
    Emergency,
    Environment,
    Gauge,
    Guardrail,
    Level,
    PagerDutyReceiver,
    Ratio,
    Rollout,
    Runbook,
    SlackReceiver,
    Stage,
    Warning,
    WebhookReceiver,
)
from handrail.lower import lower

SLACK = SlackReceiver("#shop", "/etc/alertmanager/slack-shop")
PAGER = PagerDutyReceiver("/etc/alertmanager/pagerduty-shop")
MAIL = EmailReceiver(
    "vp@example.com",
    sender="handrail@example.com",
    smarthost="mail.internal:587",
    username="handrail",
    password_file="/etc/alertmanager/mail-password",
)
HOOK = WebhookReceiver("http://tickets.internal/new", token_file="/etc/alertmanager/tickets-token")
BOOK = Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."])
ERRORS = Ratio(bad='requests_total{status=~"5.."}', of="requests_total")

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("10%", bake="1h"), Stage("100%")],
    severities={"warning": "P3", "critical": "P2", "emergency": "P1"},
    escalation=[Level("manager", "5m", "the manager"), Level("vp", "30m", "the VP", severities=["P1"])],
    routes={"P1": [PAGER, SLACK], "P3": [SLACK], "vp": [MAIL, HOOK]},
    rollback=[Command(["back"], read=["is-back"])],
    guardrails=[
        Guardrail(
            "errors",
            ERRORS,
            runbook=BOOK,
            tiers=[
                Warning(Above("1%"), sustained="5m"),
                Critical(Above("2%"), sustained="5m", action="rollback"),
                Emergency(Above("5%"), action="emergency-rollback"),
            ],
        ),
        Guardrail(
            "memory",
            Gauge("memory_ratio", unit="ratio"),
            runbook=BOOK,
            tiers=[
                Warning(Above("70%")),
                Critical(Above("80%"), action="rollback"),
                Emergency(Above("90%"), action="investigate"),
            ],
        ),
        Guardrail(
            "tried-out",
            ERRORS,
            mode="shadow",
            runbook=BOOK,
            tiers=[Critical(Above("3%"), action="rollback"), Emergency(Above("4%"), action="rollback")],
        ),
    ],
)
kiosk = Rollout(
    "kiosk",
    "kiosk",
    stages=[Stage("all")],
    rollback=[Command(["back"], read=["is-back"])],
    routes={"critical": [SLACK]},
    guardrails=[
        Guardrail("errors", ERRORS, runbook=BOOK, tiers=[Critical(Above("2%"), action="security-rollback")])
    ],
)
ENVIRONMENT = Environment(
    "production",
    receiver="http://handrail.internal:8080",
    cluster=Cluster("guard", labels={"release": "kps"}),
)


def planned(environment: Environment = ENVIRONMENT, alertmanager: tuple[int, int] = (0, 25)) -> plan.Plan:
    """Both rollouts as the emitters see them."""
    return lower([shop, kiosk], read_by(environment, alertmanager))


def read_by(environment: Environment, alertmanager: tuple[int, int]) -> Environment:
    """The same where an Alertmanager of this version runs."""
    return replace(environment, alertmanager_version=".".join(map(str, alertmanager)))
