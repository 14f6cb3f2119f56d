"""The limit line of a count is drawn at the last healthy count, however the limit is written."""

from __future__ import annotations

import pytest
from handrail import declare as d
from handrail.emit.grafana.guardrail_panels import limits
from handrail.lower import lower


def drawn(measure: object, success: object, tier: object) -> dict[str, str]:
    """Each line of a guardrail's panel with its query."""
    guardrail = d.Guardrail("errors", measure, success=success, tiers=[d.Critical(tier)])  # type: ignore[arg-type]
    (rollout,) = lower([d.Rollout("shop", "shop", guardrails=[guardrail])], d.Environment("here")).rollouts
    return {line.legend: line.expr for line in limits(rollout.guardrails[0], rollout)}


@pytest.mark.parametrize("measure", [d.Increase("errors_total"), d.Count("errors"), d.Changes("errors")])
def test_a_count_below_1_and_one_not_above_0_are_one_line(measure: object) -> None:
    for success in (d.Below(1), d.AtMost(0)):
        for tier in (d.Above(0), d.AtLeast(1)):
            assert drawn(measure, success, tier) == {
                "critical → investigate": "vector(0)",
                "success": "vector(0)",
            }
    for more in (d.Above(2), d.AtLeast(3)):
        for less in (d.Below(3), d.AtMost(2)):
            assert drawn(measure, more, less) == {
                "critical → investigate": "vector(3)",
                "success": "vector(3)",
            }


def test_any_other_figure_is_drawn_as_it_is_written() -> None:
    assert drawn(d.Gauge("depth"), d.Below(1), d.Above(0)) == {
        "critical → investigate": "vector(0)",
        "success": "vector(1)",
    }
    assert drawn(d.Count("errors"), d.Below(2.5), d.Above(3)) == {
        "critical → investigate": "vector(3)",
        "success": "vector(2.5)",
    }
