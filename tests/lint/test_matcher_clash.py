"""matcher-clash: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ("Latency('x_seconds{le=\"1\"}', p=95)", 'Above("1s")'),
        ('SlowerThan(\'x_seconds{le="1"}\', "1s")', 'Above("1%")'),
        ('Increase(\'x_seconds{le="1"}\', slower_than="1s")', "Above(0)"),
    ],
)
def test_a_histogram_matched_on_its_buckets_is_refused(measure: str, limit: str) -> None:
    assert [said for _, said in found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure))] == [
        (
            "fatal: 'errors' matches 'le' in x_seconds{le=\"1\"}, and the measure chooses the buckets itself; "
            "remove the matcher"
        )
    ]


def test_so_is_one_of_an_objective() -> None:
    slo = """slos=[Slo("good", Ratio(bad='x_total{job="a"}', of="x_total"), objective="99%", runbook=RUNBOOK)]"""
    assert [said for _, said in found(NAME, 'match={"job": "shop"}', slo, "guardrails=[]")] == [
        (
            "fatal: 'good' matches 'job' in x_total{job=\"a\"}, and the rollout's match= sets it; "
            "remove the matcher, or 'job' from match="
        )
    ]


def test_and_one_that_an_environment_matches_otherwise() -> None:
    """`region` would be both: no such series, and the guardrail is blind there."""
    facts = guardrail('tiers=[Warning(Above("1/s"))]', measure="Rate('x_total{region=\"eu\"}')")
    environments = """
        here = Environment("here")
        there = Environment("there", match={"shop": {"region": "us"}})
    """
    assert [said for _, said in found(NAME, facts, environments=environments)] == [
        (
            "fatal: 'errors' matches 'region' in x_total{region=\"eu\"}, and match= of environment 'there' sets it; "
            "remove the matcher, or 'region' from match= of environment 'there'"
        )
    ]


def test_a_guardrail_over_the_whole_service_may_match_the_label() -> None:
    facts = guardrail(
        'whole_service=True, tiers=[Warning(Above("1/s"))]', measure="Rate('x_total{track=\"stable\"}')"
    )
    assert found(NAME, "arms=ARMS", facts) == []


def test_other_matchers_are_fine() -> None:
    assert found(NAME, "arms=ARMS", 'match={"job": "shop"}', guardrail('tiers=[Warning(Above("5%"))]')) == []


def test_a_matcher_on_the_label_of_the_arms_leaves_one_arm_of_two() -> None:
    facts = guardrail('tiers=[Warning(Above("5%"))]')
    environments = 'here = Environment("here", match={"shop": {"track": "stable"}})'
    said = "fatal: rollout 'shop' matches 'track', which tells its arms apart; take it out of match="
    assert [what for _, what in found(NAME, "arms=ARMS", 'match={"track": "canary"}', facts)] == [said]
    assert [what for _, what in found(NAME, "arms=ARMS", facts, environments=environments)] == [said]
    assert found(NAME, 'match={"track": "canary"}', facts) == []


@pytest.mark.parametrize(
    ("matchers", "impossible"),
    [
        ('a="b",a="c"', True),
        ('a="b",a!="b"', True),
        ('a="b",a=~"c|d"', True),
        ('a="b",a!~"b|c"', True),
        ('a="b",a=~"b|c"', False),
        ('a="b",a!="c"', False),
        ('a=~"b.*",a!="bc"', False),
        ('a="b",a=~"\\\\p{Greek}"', False),
    ],
)
def test_matchers_of_one_series_that_contradict_each_other_are_found(matchers: str, impossible: bool) -> None:
    facts = guardrail("tiers=[Warning(Above(5))]", measure=f"Gauge('x{{{matchers}}}')")
    said = [what for _, what in found(NAME, facts)]
    assert [("matches 'a' twice in x{" in what) for what in said] == [True] * impossible


def test_a_matcher_of_a_whole_rollout_on_le_leaves_one_bucket() -> None:
    facts = guardrail('tiers=[Warning(Above("250ms"))]', measure="TIME")
    what = "matches 'le', which tells the buckets of a histogram apart; take it out of match="
    assert found(NAME, 'match={"le": "0.5"}', facts) == [
        ('match={"le": "0.5"},', f"fatal: rollout 'shop' {what}")
    ]
    here = 'here = Environment("here", match={"shop": {"le": "0.5"}})\n'
    assert [said for _, said in found(NAME, facts, environments=here)] == [f"fatal: rollout 'shop' {what}"]
