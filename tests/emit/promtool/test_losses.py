"""What is recorded of series, and what is lost of them: of one series several measures may ask different things."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from handrail import declare as d
from handrail.contract import names
from handrail.emit import promtool
from handrail.lower import lower
from handrail.plan import Plan
from own_tests import refused
from servers import program
from servers.newer import newer

HERE = d.Environment("test")
GROWTH = d.Growth("connected_replicas", window="1m")
"""It needs a series that rises all the time."""
CHANGES = d.Changes("connected_replicas", window="1m")
LOWEST = d.Gauge("connected_replicas", window="1m", over="min")
"""These need one that changes once: what they come to would depend on whether a window has its left end."""


def shop(*guardrails: d.Guardrail) -> Plan:
    return lower([d.Rollout("shop", "shop", guardrails=list(guardrails))], HERE)


def above(name: str, measure: Any, *also: d.On) -> d.Guardrail:
    return d.Guardrail(name, measure, tiers=[d.Warning(d.Above(2), or_=list(also))])


@pytest.mark.parametrize("version", [program("promtool"), newer("promtool")], ids=["2.42", "newer"])
@pytest.mark.parametrize("other", [CHANGES, LOWEST], ids=["changes", "lowest"])
def test_a_series_that_rises_for_one_guardrail_changes_once_for_another(
    tmp_path: Path, other: Any, version: str | Path
) -> None:
    planned = shop(above("growing", GROWTH), above("beside", other))
    assert refused(tmp_path, version, planned) == ""
    told = (tmp_path / names.tests_file("shop", "20m")).read_text()
    fed = re.findall(r"connected_replicas{instance=.a.}\n    values: _x81 ([^s\n]*[^s\s])", told)
    asked = re.findall(r"expr: round.*guardrail=.(\w+)", told)
    assert (fed, asked) == (["10+1x79", "1x77 2x1"], ["growing", "beside"])


def test_one_guardrail_that_needs_both_of_one_series_is_told_to_be_untested() -> None:
    planned = shop(above("growing", GROWTH, d.On("beside", CHANGES, d.Above(3))))
    [rollout] = planned.rollouts
    reason = "one of its series must rise steadily for one measure, and change once for another"
    said = f"# cannot be tested: growing, what is measured: {reason}\n"
    assert said in promtool.tests(rollout)[names.tests_file("shop")]
