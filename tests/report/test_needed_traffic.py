"""A rollout of the plan → from which traffic on each guardrail judges, and rolls back."""

from __future__ import annotations

from handrail.declare import (
    Above,
    Arms,
    Critical,
    Emergency,
    Environment,
    Guardrail,
    Latency,
    Ratio,
    Rollout,
    Stage,
    Warning,
)
from handrail.lower import lower
from handrail.report.needed_traffic import needed_traffic

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{code="500"}', of="requests_total"),
    tiers=[Warning(Above("0.5%")), Emergency(Above("5%"), action="investigate")],
)
LATENCY = Guardrail("latency", Latency("seconds", p=95, buckets=[1]), tiers=[Critical(Above("1s"))])


def test_explain_says_from_which_traffic_on_each_guardrail_protects() -> None:
    declared = Rollout(
        "shop",
        "shop",
        arms=Arms("track", canary="canary", stable="stable"),
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=[ERRORS, LATENCY, Guardrail("seldom", Ratio("all_total", bad="b_total", window="1h"))],
    )
    (planned,) = lower([declared], Environment("test")).rollouts
    assert needed_traffic(planned).rows == (
        ("errors", "20/min (100 in 5m)", "2/min bad (10: warning, emergency)", "10%: 200/min; 100%: 20/min"),
        ("latency", "20/min (100 in 5m)", "2.2/min bad (11: critical)", "10%: 200/min; 100%: 20/min"),
        ("seldom", "1.7/min (100 in 1h)", "-", "10%: 16.7/min; 100%: 1.7/min"),
    )
