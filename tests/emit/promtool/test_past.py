"""Limits beside what the service itself showed some time ago: promtool must agree with the generated tests of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail import declare as d
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.lower import lower
from own_tests import refused

ODD = d.Increase("denied_total", window="90s")
SLOW = d.Latency("dur_seconds", p=95, window="5m")


@pytest.mark.parametrize(
    ("measure", "limit", "scrape"),
    [
        pytest.param(ODD, d.Rise("10%"), "20s", id="a window that is no multiple of the scrape interval"),
        pytest.param(d.Gauge("depth"), d.Rise("10%"), "14s", id="a past that is none"),
        pytest.param(
            SLOW, d.Drop("10%"), "15s", id="a quantile that few events do not decide, for it is too low"
        ),
    ],
)
def test_they_hold(measure: Measure, limit: Limit, scrape: str, tmp_path: Path) -> None:
    guardrail = d.Guardrail("it", measure, tiers=[d.Warning(limit, sustained="0s")], against=d.Ago("1h"))
    stages = [d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")]
    rollout = d.Rollout("shop", "shop", stages=stages, guardrails=[guardrail], scrape=scrape)
    assert refused(tmp_path, "promtool", lower([rollout], d.Environment("test"))) == ""
