"""A rollout as it was declared before tiers were sustained and stages baked."""

from handrail.declare import (
    Above,
    Arms,
    Below,
    Critical,
    Guardrail,
    HAProxySplit,
    Ratio,
    Rollout,
    Runbook,
    Stage,
    Warning,
)

shop = Rollout(
    name="shop",
    service="shop",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[
        Stage("10%", weight="10%", hold="1h"),
        Stage("50%", weight="50%", hold="1h"),
        Stage("100%", weight="100%"),
    ],
    guardrails=[
        Guardrail(
            "error-rate",
            Ratio(bad='http_requests_total{status=~"5.."}', of="http_requests_total", min_events=30),
            success=Below("0.5%"),
            tiers=[
                Warning(Above("1%"), hold="5m"),
                Critical(Above("5%"), hold="2m", action="rollback"),
            ],
            runbook=Runbook("Customers cannot pay.", look=["Read the canary's logs."], mend=["Roll back."]),
        ),
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
