"""A small rollout with one of each: a ratio beside the stable arm, staged latency, zero tolerance, a gauge, checks."""

from handrail.declare import (
    Above,
    Arms,
    BeforeRollout,
    Below,
    Check,
    Critical,
    Drop,
    Emergency,
    Gate,
    Gauge,
    Guardrail,
    HAProxySplit,
    Increase,
    Latency,
    LoadBurst,
    Probe,
    Ratio,
    Rise,
    Rollout,
    Runbook,
    Secret,
    Slack,
    StableArm,
    Stage,
    Tell,
    Warning,
)

RUNBOOK = Runbook("People wait.", look=["at the log"], fix=["roll back"])
QUARTER = Check(
    "15m", name="T+15", questions=["Is the queue short?"], tell=[Tell(Slack("#shop", token=Secret("SLACK")))]
)
BURST = LoadBurst(
    "5m",
    "/query",
    requests=100,
    users=5,
    method="POST",
    bodies=[{"query": "a", "user": "user_${user}"}],
    at_most_failed="5%",
    tokens=Secret("USERS"),
)

shop = Rollout(
    "shop",
    "shop",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[
        Stage("10%", weight="10%", bake="1h", checks=[QUARTER], bursts=[BURST]),
        Stage("50%", weight="50%", bake="1h", gate=Gate(checks="ok")),
        Stage("100%", weight="100%"),
    ],
    checks=["1h", "4h"],
    checks_while_firing="10m",
    probes=[Probe("health", "/health", json={"/status": "UP"}, contains="shop", within="2s", token=Secret("HEALTH"))],
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
