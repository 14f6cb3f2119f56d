"""ruleiq: a web application guarded from nothing, always armed while a flag is on."""

from handrail.declare import (
    Above,
    Acknowledge,
    Below,
    Budget,
    Confirm,
    Critical,
    Emergency,
    FlagOff,
    Gauge,
    Guardrail,
    Latency,
    PagerDuty,
    Rate,
    Ratio,
    Rollout,
    Runbook,
    Secret,
    Slack,
    SlowerThan,
    StatusPage,
    Tell,
    Usage,
    Warning,
    Webhook,
)
from rollouts import _ruleiq_by_hand as by_hand
from rollouts._ruleiq_dashboards import AUTH_FAILURES, BUCKETS, DURATION, dashboards


def off(feature: str) -> FlagOff:
    """One of the recent flags, off."""
    return FlagOff(
        "https://unleash.example.com",
        project="ruleiq",
        feature=feature,
        environment="production",
        token=Secret("UNLEASH_TOKEN"),
    )


ask_again = Confirm("15s", unreachable="act")
SERVER_ERRORS = 'ruleiq_requests_total{status=~"5.."}'
FAST = "2m"
"""A minute to decide leaves 30 s in which a breach must show: of two minutes that is a share of 20 % or more."""
ENOUGH = 300
"""Events in it. With 1 % bad by chance, more than 5 % of so many are bad once in four years; of 200 every six weeks."""

ruleiq = Rollout(
    name="ruleiq",
    service="ruleiq",
    match={"job": "ruleiq"},
    title="RuleIQ",
    budget=Budget(decide="1m", recover="5m"),
    scrape="15s",
    evaluate="15s",
    guardrails=[
        Guardrail(
            "error-rate",
            # With fewer requests eleven bad ones roll back: six of a hundred are chance now and then.
            Ratio(bad=SERVER_ERRORS, of="ruleiq_requests_total", min_events=200),
            title="Share of server errors",
            tiers=[Critical(Above("5%"), sustained="2m", action="rollback", confirm=ask_again)],
            runbook=Runbook(
                "People get error pages.",
                look=["Which endpoint and which flag? The impact panel shows errors beside flag changes."],
                fix=[
                    "The newest flag is switched off automatically; if errors stay, the cause is older than the flag."
                ],
                steps=by_hand.ERRORS,
            ),
        ),
        Guardrail(
            "error-rate-fast",
            Ratio(bad=SERVER_ERRORS, of="ruleiq_requests_total", window=FAST, min_events=ENOUGH),
            title="Share of server errors, over 2 min",
            tiers=[Critical(Above("5%"), action="rollback")],
            thin_after=None,  # error-rate says so
            runbook=Runbook(
                "People get error pages, many of them.",
                look=["Did it begin with a flag? The impact panel shows errors beside flag changes."],
                fix=["As under error-rate; this one is there to be quick."],
                steps=by_hand.ERRORS,
            ),
        ),
        Guardrail(
            "auth-attack",
            Rate(AUTH_FAILURES, window="1m"),
            title="Failed sign-ins",
            tiers=[
                Critical(Above("100/min"), action="security-rollback"),
                Emergency(Above("10/s"), sustained="30s", action="security-rollback"),
            ],
            runbook=Runbook(
                "Somebody tries passwords, or sign-in is broken for everybody.",
                look=["One address or many? One account or many? Do good sign-ins fail too?"],
                fix=[
                    "An attack: limit the rate in front of the service. Broken: the flag going off fixes it."
                ],
                steps=by_hand.SIGN_INS,
            ),
        ),
        Guardrail(
            "latency-p95",
            Latency(DURATION, p=95, buckets=BUCKETS),
            title="95th percentile of request time",
            tiers=[
                Warning(Above("2s"), sustained="5m"),
                Critical(Above("2s"), sustained="5m", action="rollback", confirm=ask_again),
            ],
            runbook=Runbook(
                "People wait more than two seconds.",
                look=["Is the pool exhausted (db-pool)? Is one endpoint slow or all of them?"],
                fix=["One endpoint behind a flag: the rollback fixes it. All of them: look at the database."],
                steps=by_hand.LATENCY,
            ),
        ),
        Guardrail(
            "latency-fast",
            SlowerThan(DURATION, "2s", buckets=BUCKETS, window=FAST, min_events=ENOUGH),
            title="Share of requests slower than 2 s, over 2 min",
            tiers=[
                Critical(
                    Above("5%"),
                    action="rollback",
                    note="The 95th percentile is above 2 s, counted: so it is seen in little traffic as well.",
                )
            ],
            thin_after=None,  # latency-p95 says so
            runbook=Runbook(
                "People wait more than two seconds, many of them.",
                look=["Is the pool exhausted (db-pool)? Is one endpoint slow or all of them?"],
                fix=["As under latency-p95; this one is there to be quick."],
                steps=by_hand.LATENCY,
            ),
        ),
        Guardrail(
            "db-pool",
            Usage("ruleiq_db_pool_size", 50, by=["pool"], over="max"),
            title="Connection pool in use",
            tiers=[
                Warning(Above("80%"), sustained="5m"),
                Critical(Above("90%"), action="rollback", confirm=ask_again),
            ],
            runbook=Runbook(
                "Requests wait for a connection.",
                look=["What holds connections longest?"],
                fix=["End the longest idle transactions; the rollback takes the new queries away."],
                steps=by_hand.POOL,
            ),
        ),
        Guardrail(
            "service",
            Gauge("up", over="max"),
            title="Whether the application answers",
            tiers=[
                Critical(
                    Below(1), sustained="30s", note="It counts nothing any more: no other limit sees it."
                )
            ],
            runbook=Runbook(
                "Nobody gets an answer.",
                look=["Is it the process, the machine or only the scrape? Did a flag go on just before?"],
                fix=["A flag: roll back, then start it again. Else start it, and read what it said last."],
                steps=by_hand.SERVICE,
            ),
        ),
    ],
    dashboards=dashboards,
    rollback=[off("recommendations-v2"), off("bulk-import")],
    procedures=by_hand.PROCEDURES,
    quick_reference=by_hand.QUICK,
    contacts=["Engineering lead", "On-call engineer", "Security on call"],
    acknowledge=[
        Acknowledge(
            "5m",
            who="the engineering lead",
            tell=[Tell(Slack("#engineering-management", token=Secret("SLACK_TOKEN")))],
        ),
    ],
    tell_security=[Tell(PagerDuty(Secret("PAGERDUTY_SECURITY_KEY")))],
    tell=[Tell(Slack("#incidents", token=Secret("SLACK_TOKEN")))],
    tell_rollback=[
        Tell(PagerDuty(Secret("PAGERDUTY_RULEIQ_KEY"))),
        Tell(Webhook("https://tickets.example.com/hooks/incidents", Secret("TICKETS_SIGNING_KEY"))),
        Tell(
            StatusPage(
                "PATCH",
                "https://status.example.com/api/v1/components/ruleiq",
                opened={"status": "degraded_performance"},
                resolved={"status": "operational"},
                token=Secret("STATUS_PAGE_TOKEN"),
            )
        ),
    ],
)
