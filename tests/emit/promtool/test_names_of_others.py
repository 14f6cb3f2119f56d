"""What test cases call others by no declaration can be called: every name that may be declared is tested like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail import declare as d
from handrail.lower import lower
from own_tests import refused
from servers.newer import newer

NAMES = ("other", "unresolved", "calm")
"""Words for what is not the rollout's own, or not in breach."""


def shop(name: str) -> d.Rollout:
    """Everything in it that has a name has this one."""
    share = d.Ratio(
        "requests_total", bad='requests_total{code=~"5.."}', window="5m", min_events=20, by=("zone",)
    )
    return d.Rollout(
        name,
        name,
        stages=[d.Stage(name, weight="10%", bake="1h"), d.Stage("100%", weight="100%")],
        arms=d.Arms(name, canary="canary", stable="stable"),
        guardrails=[
            d.Guardrail(
                name,
                share,
                tiers=[d.Warning(d.Above("5%"), severity=name), d.Critical(d.Rise("50%"))],
                against=d.BeforeRollout(),
            ),
            d.Guardrail(
                f"{name}-state", d.State("breaker_state"), tiers=[d.Warning(d.Is(name), sustained="5m")]
            ),
        ],
        slos=[
            d.Slo(
                name,
                d.Ratio("calls_total", bad='calls_total{code="500"}', window="10m", min_events=100),
                objective="99%",
                window="30d",
            )
        ],
        escalation=[d.Level(name, "5m", "the manager", severities=[name])],
    )


@pytest.mark.parametrize("name", NAMES)
def test_generated_tests_hold_whatever_is_declared_by_that_name(tmp_path: Path, name: str) -> None:
    planned = lower([shop(name)], d.Environment(name))
    assert refused(tmp_path, newer("promtool"), planned) == ""


def test_labels_that_test_cases_use_themselves_may_be_declared(tmp_path: Path) -> None:
    share = d.Ratio(
        'requests_total{place="x"}',
        bad='requests_total{place="x",code=~"5.."}',
        window="5m",
        min_events=20,
        by=("place", "instance"),
    )
    guardrails = [
        d.Guardrail("share", share, tiers=[d.Warning(d.Above("5%"))]),
        d.Guardrail("gauge", d.Gauge('depth{le="x",place=~"a|b"}'), tiers=[d.Warning(d.Above(5))]),
    ]
    planned = lower([d.Rollout("shop", "shop", guardrails=guardrails)], d.Environment("test"))
    assert refused(tmp_path, newer("promtool"), planned) == ""
