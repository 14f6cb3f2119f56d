"""Intervals that divide nothing, and as short as an environment may make them: promtool must agree with the generated tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail import declare as d
from handrail.emit import promtool
from handrail.lint.interval_too_short import LEAST
from handrail.lower import lower
from handrail.units import duration
from own_tests import refused

ERRORS = d.Ratio(bad='requests_total{status=~"5.."}', of="requests_total")
QUICK = d.Latency("request_seconds", p=95, window="1m", buckets=[0.1, 0.3, 1])


def shop(scrape: str, evaluate: str, window: str) -> d.Rollout:
    """A rollout with errors, a beat that may stop, and slices of a minute that must be quick."""
    guardrails = [
        d.Guardrail("errors", ERRORS, tiers=[d.Warning(d.Above("5%"), sustained="2m")]),
        d.Guardrail("beat", d.Absence("beat", window=window), tiers=[d.Warning(d.Above(0))]),
    ]
    slos = [d.Slo("quick", d.TimeSlices(QUICK, good=d.Below("300ms")), objective="99%")]
    stages = [d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")]
    return d.Rollout(
        "shop", "shop", stages=stages, guardrails=guardrails, slos=slos, scrape=scrape, evaluate=evaluate
    )


@pytest.mark.parametrize(
    ("scrape", "evaluate", "window", "faster"),
    [
        pytest.param("5s", "7s", "10s", 1, id="evaluated between scrapes", marks=pytest.mark.long),
        pytest.param("5s", "10s", "10m", 37, id="no whole milliseconds"),
        pytest.param("15s", "30s", "5m", 60, id="a minute is a second", marks=pytest.mark.long),
        pytest.param("15s", "30s", "5m", 150, id="as fast as may be"),
    ],
)
def test_they_hold(scrape: str, evaluate: str, window: str, faster: int, tmp_path: Path) -> None:
    assert duration(scrape) / faster >= LEAST
    plan = lower([shop(scrape, evaluate, window)], d.Environment("test", faster=faster))
    assert refused(tmp_path, "promtool", plan) == ""


def test_of_counters_whose_hour_promtool_cannot_hold_that_is_said() -> None:
    errors = d.Guardrail(
        "errors", d.Increase("errors_total", window="1m"), tiers=[d.Warning(d.Above(3), sustained="2m")]
    )
    plan = lower([d.Rollout("shop", "shop", guardrails=[errors])], d.Environment("test", faster=150))
    text = "".join(promtool.tests(plan.rollouts[0]).values())
    reason = "promtool holds too few samples for the hour that rules remember"
    assert f"# cannot be tested: errors, targets that come and go: {reason}\n" in text
