"""A small rollout with one of each: a ratio beside the stable arm, staged latency, zero tolerance, a gauge."""

from handrail.declare import (
    Above,
    Arms,
    BeforeRollout,
    Below,
    Critical,
    Drop,
    Emergency,
    Gauge,
    Guardrail,
    HAProxySplit,
    Increase,
    Latency,
    Ratio,
    Rise,
    Rollout,
    Runbook,
    StableArm,
    Stage,
    Warning,
)

RUNBOOK = Runbook("People wait.", look=["at the log"], mend=["roll back"])

shop = Rollout(
    "shop",
    "shop",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("50%", weight="50%", bake="1h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(
            "errors",
            Ratio(bad='requests_total{code=~"5.."}', of="requests_total"),
            against=StableArm(),
            success=Below("1%"),
            tiers=[Warning(Rise("50%", floor="0.5%")), Critical(Rise("100%", floor="1%"), sustained="5m", action="rollback"), Emergency(Above("25%"))],
            runbook=RUNBOOK,
        ),
        Guardrail(
            "latency",
            Latency("request_seconds", p=95, buckets=[0.1, 0.25, 0.5, 1, 2.5]),
            tiers=[Critical(Above({"10%": "500ms", "50%": "250ms"}, otherwise="1s"), sustained="5m", action="rollback")],
            runbook=RUNBOOK,
        ),
        Guardrail(
            "denied",
            Increase("denied_total"),
            tiers=[Critical(Above(0), action="security-rollback")],
            runbook=RUNBOOK,
            whole_service=True,
        ),
        Guardrail(
            "users",
            Gauge("active_users"),
            against=BeforeRollout(),
            tiers=[Warning(Drop("20%"), sustained="10m")],
            runbook=RUNBOOK,
            whole_service=True,
        ),
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
