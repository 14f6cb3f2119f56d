"""my-service: the new version beside the stable one. Edit every word of this; the file is yours."""

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

my_service = Rollout(
    name="my-service",
    service="my-service",
    # The label that tells the two versions apart, in every series of yours.
    arms=Arms("track", canary="canary", stable="stable"),
    # How the traffic moves. The receiver enters a stage when every success criterion held for the whole stage before.
    stages=[
        Stage("10%", weight="10%", bake="1h"),
        Stage("50%", weight="50%", bake="1h"),
        Stage("100%", weight="100%"),
    ],
    # What must not happen meanwhile.
    guardrails=[
        Guardrail(
            "error-rate",
            Ratio(bad='http_requests_total{status=~"5.."}', of="http_requests_total"),
            title="Share of failed requests",
            success=Below("0.5%"),
            tiers=[
                Warning(Above("1%"), sustained="5m"),
                Critical(Above("5%"), sustained="2m", action="rollback"),
                Emergency(Above("25%"), action="emergency-rollback"),
            ],
            runbook=Runbook(
                "Say here what users notice.",
                look=["Does the stable arm fail too? Then it is not the new version."],
                fix=["Roll back first, look for the cause afterwards."],
            ),
        ),
        Guardrail(
            "latency-p95",
            Latency("http_request_duration_seconds", p=95, buckets=[0.1, 0.25, 0.5, 1, 2.5]),
            title="95th percentile of request time",
            success=Below("500ms"),
            tiers=[
                Warning(Above("500ms"), sustained="5m"),
                Critical(Above("1s"), sustained="5m", action="rollback"),
            ],
            runbook=Runbook(
                "Users wait.",
                look=["Is a service that both versions call slow as well?"],
                fix=["Roll back, and profile the new version without traffic."],
            ),
        ),
    ],
    # How the traffic is moved and taken back: two servers of an HAProxy backend. There are other ways.
    split=HAProxySplit("web", sockets=["unix:/run/haproxy/admin.sock"]),
)
