"""What aidin's gates ask of a whole day: figures that a healthy day has, though five minutes of it may not."""

from handrail.declare import (
    Ago,
    BeforeRollout,
    Below,
    Drop,
    Guardrail,
    Latency,
    Not,
    Ratio,
    Rise,
    RisePoints,
    Runbook,
    Warning,
)
from rollouts._aidin_sources import BUCKETS, own, people_of

REQUESTS = own("http_requests_total")
MANY = 10_000
"""Requests of a day from which on it is judged: as many as the team's baseline is taken of."""
WHY = {"window-outlasts-stage": "a day is one figure, which is asked for once, when the stage ends"}

daily = [
    Guardrail(
        "daily-5xx",
        Ratio(bad=own("http_requests_total", 'status=~"5.."'), of=REQUESTS, window="24h", min_events=MANY),
        title="Share of server errors of 24 hours",
        against=BeforeRollout(),
        success=[Below("0.5%"), Not(RisePoints("0.2%"))],
        accept=WHY,
        whole_service=True,
        runbook=Runbook(
            "Over a whole day more requests fail than before the rollout.",
            look=["All day, or in one hour? See http-5xx."],
            fix=["As for http-5xx."],
        ),
    ),
    Guardrail(
        "daily-p95",
        Latency(own("http_request_duration_seconds"), p=95, buckets=BUCKETS, window="24h", min_events=MANY),
        title="95th percentile of request time of 24 hours",
        against=BeforeRollout(),
        success=Not(Rise("10%")),
        accept=WHY,
        whole_service=True,
        runbook=Runbook(
            "A whole day was slower than the one before the rollout.",
            look=["Every route, or one? See p95-latency."],
            fix=["As for p95-latency."],
        ),
    ),
    Guardrail(
        "daily-403",
        Ratio(bad=own("http_requests_total", 'status="403"'), of=REQUESTS, window="24h", min_events=MANY),
        title="Share of refused requests of 24 hours",
        against=BeforeRollout(),
        success=[Below("1%"), Not(RisePoints("0.5%"))],
        accept=WHY,
        whole_service=True,
        runbook=Runbook(
            "Over a whole day more requests are refused than a small rise explains.",
            look=["Whose, and where? See http-403."],
            fix=["As for http-403."],
        ),
    ),
    Guardrail(
        "daily-users",
        people_of("24h"),
        title="Distinct users of the last 24 hours",
        accept={
            **WHY,
            "detection-too-slow": "its criterion judges the day; active-users finds a drop within hours",
        },
        against=Ago("7d"),
        success=Not(Drop("10%")),
        tiers=[Warning(Drop("10%"))],
        whole_service=True,
        runbook=Runbook(
            "Over a whole day, its night included, fewer people come than a week before.",
            look=["Is it a holiday?", "Since which hour? See active-users."],
            fix=["As for active-users."],
        ),
    ),
    Guardrail(
        "few-users",
        people_of("24h"),
        title="Users of 24 hours, too few to compare an hour of them",
        accept={"detection-too-slow": "a day is needed to know it, and nothing waits for it"},
        tiers=[
            Warning(
                Below(dict.fromkeys(("10%", "50%", "100%"), 100)),
                sustained="30m",
                note="No hour has the hundred people that active-users compares: it finds nothing. daily-users does.",
            )
        ],
        whole_service=True,
        runbook=Runbook(
            "Whether people went away is seen over a day, and not within hours.",
            look=["Is it a weekend or a holiday? Is the application's log read in full?"],
            fix=["Look at sign-ins and complaints by hand, more often than at other times."],
        ),
    ),
]
