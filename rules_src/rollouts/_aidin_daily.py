"""What aidin's gates ask of a whole day: figures that a healthy day has, though five minutes of it may not."""

from handrail.declare import (
    Ago,
    BeforeRollout,
    Below,
    Drop,
    Guardrail,
    Latency,
    Not,
    PromQL,
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
CHANCE = "Of 1000 users a day a tenth less comes by chance on one day in 105, of 500 on one in 20, of 200 on one in 7."
"""If each comes independently of the others: tests/project/test_false_rollbacks.py."""
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
        # No least=: below it nothing would be judged, and the gate of a small service never be open.
        tiers=[Warning(Drop("10%"), note=CHANCE)],
        whole_service=True,
        runbook=Runbook(
            "Over a whole day, its night included, fewer people come than a week before.",
            look=["Is it a holiday?", "Since which hour? See active-users.", f"How many come? {CHANCE}"],
            fix=[
                "As for active-users.",
                "So few that it may be chance, and nobody complains: ask the gate again a day later. --anyway goes past the others as well.",
            ],
        ),
    ),
    Guardrail(
        "few-users",
        PromQL(
            'max_over_time(handrail:guardrail:value{rollout="aidin-hardening",guardrail="active-users",signal=""}[24h])'
        ),
        title="Users of the busiest hour of 24, too few to compare an hour of them",
        accept={
            "free-promql": "it is the highest of what active-users found in a day",
            "detection-too-slow": "a day is needed to know it, and nothing waits for it",
        },
        tiers=[
            Warning(
                Below(dict.fromkeys(("10%", "50%", "100%"), 100)),
                sustained="30m",
                note="No hour has the hundred people from whom on active-users compares."
                " Of thirty it finds that nearly all are gone; daily-users finds a drop of the whole day.",
            )
        ],
        whole_service=True,
        runbook=Runbook(
            "Whether a part of the people went away is seen over a day, and not within hours.",
            look=["Is it a weekend or a holiday? Is the application's log read in full?"],
            fix=["Look at sign-ins and complaints by hand, more often than at other times."],
        ),
    ),
]
