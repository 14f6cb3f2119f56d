"""coverage-unused: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.coverage_unused import NAME

STAGES = """\
stages=[
    Stage("10%", weight="10%", bake="4h"),
    Stage("100%", weight="100%", bake="4h", gate=Gate(coverage="60%")),
],
complete=Gate(coverage="90%")"""
LEVEL = "success=Below(5), tiers=[Warning(Above(9))]"


def test_times_without_traffic_are_forgiven_where_nothing_needs_any() -> None:
    assert found(NAME, STAGES, guardrail(LEVEL, measure='Gauge("depth")')) == [
        (
            'Stage("100%", weight="100%", bake="4h", gate=Gate(coverage="60%")),',
            "warning: says coverage=60% for times without traffic, and no criterion needs any; remove coverage=",
        )
    ]


@pytest.mark.parametrize(
    "measure", ["ERRORS", "TIME", 'While(Gauge("users"), condition=Gauge("usual"), above=5)']
)
def test_what_needs_traffic_may_lack_it_at_times(measure: str) -> None:
    limit = '"1%"' if measure == "ERRORS" else '"1s"' if measure == "TIME" else "5"
    facts = f"success=Below({limit})"
    assert found(NAME, STAGES, guardrail(facts, measure=measure)) == []
