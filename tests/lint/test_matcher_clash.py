"""matcher-clash: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.matcher_clash import NAME


def test_a_series_matched_on_the_arms_label_is_refused() -> None:
    measure = """Ratio(
            bad='errors_total{track="stable"}',
            of="requests_total",
        )"""
    facts = guardrail('tiers=[Warning(Above("5%"))]', measure=measure)
    assert found(NAME, "arms=ARMS", facts) == [
        (
            "bad='errors_total{track=\"stable\"}',",
            (
                "fatal: 'errors' matches 'track' in errors_total{track=\"stable\"}, and the rollout's arms= sets it; "
                "remove the matcher, or 'track' from arms="
            ),
        )
    ]


def test_a_series_matched_on_a_label_of_the_rollout_is_refused() -> None:
    facts = guardrail('tiers=[Warning(Above("1/s"))]', measure="Rate('x_total{job=\"a\"}')")
    assert len(found(NAME, 'match={"job": "shop"}', facts)) == 1


def test_a_guardrail_over_the_whole_service_may_match_the_label() -> None:
    facts = guardrail(
        'whole_service=True, tiers=[Warning(Above("1/s"))]', measure="Rate('x_total{track=\"stable\"}')"
    )
    assert found(NAME, "arms=ARMS", facts) == []


def test_other_matchers_are_fine() -> None:
    assert found(NAME, "arms=ARMS", 'match={"job": "shop"}', guardrail('tiers=[Warning(Above("5%"))]')) == []
