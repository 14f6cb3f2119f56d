"""A rollout of the plan → from which traffic on each guardrail judges, and rolls back."""

from __future__ import annotations

from handrail.declare import (
    Above,
    Arms,
    AtMost,
    Below,
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
from handrail.report.wording import enough_bad, meaning

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


def test_a_runbook_says_how_many_bad_events_each_tier_takes_and_nothing_where_no_number_is_enough() -> None:
    share = Ratio(bad="b_total", of="all_total", min_events=300)
    success = Ratio(good="good_total", of="all_total", min_events=300)
    declared = Rollout(
        "shop",
        "shop",
        guardrails=[
            Guardrail(
                "three", share, tiers=[Warning(Above("1%")), Critical(Above("5%")), Emergency(Above("50%"))]
            ),
            Guardrail("one", share, tiers=[Critical(Above("5%"))]),
            Guardrail("none-good", success, tiers=[Emergency(AtMost("0%"))]),
            Guardrail("judged", share, success=Below("1%")),
        ],
    )
    (planned,) = lower([declared], Environment("test")).rollouts
    few = "With fewer than 300 events in that time it is not judged"
    said = {
        one.name: meaning(one.signals[0].measure, enough_bad(one, one.signals[0])).partition(few)[2]
        for one in planned.guardrails
    }
    assert said == {
        "three": ", unless 10 (warning), 16 (critical), 151 (emergency) or more of them are bad.",
        "one": ", unless 16 or more of them are bad.",
        "none-good": ".",
        "judged": ".",
    }
