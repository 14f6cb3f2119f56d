"""What the clinic's stages ask of a whole day, against the day before the rollout and against phase 1.

Five minutes of twenty requests are 10 % slower than a day by chance, and noon is slower than the night.
"""

from handrail.declare import (
    BeforeRollout,
    Below,
    Critical,
    Guardrail,
    Latency,
    Not,
    PreviousStage,
    Ratio,
    Rise,
    RisePoints,
)
from rollouts._clinic_runbooks import errors_rising, slow_p50, slow_p95
from rollouts._clinic_sources import BUCKETS, REQUESTS, own

MANY = 10_000
"""Requests of a day from which on it is judged."""
WHY = {
    "window-outlasts-stage": "a day is compared with a day, and the stages last one or two",
    "detection-too-slow": "a tenth more is told from chance in a day; what is far slower has limits of its own",
}
FAILED = Ratio(
    bad=own("http_requests_total", 'success="false"'),
    of=own("http_requests_total"),
    window="24h",
    min_events=MANY,
)

daily = [
    Guardrail(
        "daily-errors",
        FAILED,
        title="Share of failed requests of 24 hours",
        against=BeforeRollout(),
        success=[Below("1%"), Not(RisePoints("0.5%"))],
        accept={"window-outlasts-stage": WHY["window-outlasts-stage"]},
        whole_service=True,
        runbook=errors_rising,
    ),
    *(
        Guardrail(
            name,
            Latency(REQUESTS, p=p, buckets=BUCKETS, window="24h", min_events=MANY),
            title=f"{title} of 24 hours against stage 1",
            against=PreviousStage("10%"),
            success=Not(Rise("10%")),
            tiers=[Critical(Rise("10%"), sustained="10m", action="hold")],
            accept=WHY,
            whole_service=True,
            runbook=runbook,
        )
        for name, p, title, runbook in (
            ("stage-latency", 50, "Median request time", slow_p50),
            ("stage-latency-p95", 95, "95th percentile of request time", slow_p95),
        )
    ),
    Guardrail(
        "stage-errors",
        FAILED,
        title="Share of failed requests of 24 hours against stage 1",
        against=PreviousStage("10%"),
        success=Not(RisePoints("0.5%")),
        tiers=[Critical(RisePoints("0.5%"), sustained="10m", action="hold")],
        accept=WHY,
        whole_service=True,
        runbook=errors_rising,
    ),
]
