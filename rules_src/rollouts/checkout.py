"""The demo: a new version of a checkout service beside the stable one, split by HAProxy."""

from handrail.declare import (
    Above,
    Arms,
    Below,
    Critical,
    Emergency,
    Guardrail,
    HAProxySplit,
    Latency,
    Ratio,
    Rollout,
    Runbook,
    Stage,
    Warning,
)

checkout = Rollout(
    name="checkout",
    service="checkout",
    match={"job": "checkout"},
    title="Checkout",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[
        Stage("10%", weight="10%", bake="30m"),
        Stage("50%", weight="50%", bake="30m"),
        Stage("100%", weight="100%"),
    ],
    guardrails=[
        Guardrail(
            "error-rate",
            Ratio(bad='http_requests_total{status=~"5.."}', of="http_requests_total", min_events=30),
            title="Share of failed requests",
            success=Below("0.5%"),
            tiers=[
                Warning(Above("1%"), sustained="2m"),
                Critical(Above("5%"), sustained="1m", action="rollback"),
                Emergency(Above("25%"), action="emergency-rollback"),
            ],
            accept={
                "one-event-enough": "a demo has little traffic, and whoever watches it wants to see a rollback"
            },
            runbook=Runbook(
                "Customers cannot pay.",
                look=[
                    "Compare the two arms: does the stable one fail too?",
                    "Read the canary's newest error logs.",
                ],
                fix=[
                    "Roll back; the new version waits.",
                    "If both arms fail, look at the payment provider first.",
                ],
            ),
        ),
        Guardrail(
            "latency-p95",
            Latency(
                "http_request_duration_seconds", p=95, buckets=[0.1, 0.25, 0.3, 0.5, 1, 2.5, 5], min_events=30
            ),
            title="95th percentile of request time",
            success=Below("300ms"),
            tiers=[
                Warning(Above("300ms"), sustained="5m"),
                Critical(Above("500ms"), sustained="5m", action="rollback"),
                Emergency(Above("1s"), sustained="2m", action="emergency-rollback"),
            ],
            runbook=Runbook(
                "Customers wait, and some give up.",
                look=["Is the database slow for both arms?", "Did the canary's CPU reach its limit?"],
                fix=["Roll back; then profile the canary without traffic."],
            ),
        ),
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
