"""Limits at 0 and below it: a value that is well lies below them, and the alerts are tested like any other."""

from __future__ import annotations

import pytest
from handrail import declare as d
from handrail.contract import names
from handrail.emit import promtool
from handrail.lower import lower


@pytest.mark.parametrize(
    ("tiers", "well"),
    [
        ([d.Warning(d.AtLeast(0))], "-1"),
        ([d.Warning(d.Above(0))], "0"),
        ([d.Warning(d.Above(-5)), d.Critical(d.Above(-1))], "-6"),
        ([d.Warning(d.Below(-5)), d.Critical(d.Above(-1))], "-3"),
    ],
)
def test_a_value_that_is_well_is_found_below_0_too(tiers: list[d.Warning | d.Critical], well: str) -> None:
    guardrail = d.Guardrail("balance", d.Gauge("balance"), tiers=tiers)
    [rollout] = lower([d.Rollout("shop", "shop", guardrails=[guardrail])], d.Environment("test")).rollouts
    files = promtool.tests(rollout)
    assert "cannot be tested" not in files[names.tests_file("shop")]
    assert any(f"# balance: {well}\n" in text for text in files.values())
