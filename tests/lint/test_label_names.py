"""label-names: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.label_names import NAME


def test_the_arms_label_may_not_be_one_of_ours() -> None:
    facts = guardrail('tiers=[Warning(Above("5%"))]')
    assert found(NAME, 'arms=Arms("tier", canary="new", stable="old")', facts) == [
        (
            'arms=Arms("tier", canary="new", stable="old"),',
            (
                "fatal: tells series apart by the label 'tier', which generated alerts use themselves; "
                "give the metric a label of another name"
            ),
        )
    ]


@pytest.mark.parametrize(
    "measure",
    [
        'Gauge("x", by=["rollout"])',
        'Gauge("x", by=["environment"])',
        'Usage("x", 5, by=["le"])',
        'State("x", "severity")',
    ],
)
def test_nor_a_label_that_series_are_kept_apart_by(measure: str) -> None:
    limit = 'Is("open")' if "State" in measure else 'Above("5%")' if "Usage" in measure else "Above(5)"
    assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure))) == 1


def test_nor_by_the_label_that_tells_the_arms_apart() -> None:
    """Beside the stable arm each series would be compared with the one of its own arm: with none."""
    facts = guardrail("tiers=[Warning(Above(5))]", measure='Gauge("x", by=["pool", "track"])')
    assert found(NAME, "arms=ARMS", facts) == [
        (
            'Gauge("x", by=["pool", "track"]),',
            (
                "fatal: 'errors' tells series apart by 'track', which already tells the arms apart; "
                "take it out of by="
            ),
        )
    ]
    assert found(NAME, facts) == []


def test_names_that_prometheus_keeps_for_itself_are_refused() -> None:
    facts = guardrail('tiers=[Warning(Above("5%"))]')
    assert found(NAME, 'match={"__name__": "x"}', facts) == [
        (
            'match={"__name__": "x"},',
            (
                "fatal: uses the label name '__name__', which Prometheus refuses or keeps for itself; "
                "use letters, digits and _, not a digit first and not __ first"
            ),
        )
    ]


def test_the_labels_of_a_scrape_job_are_looked_at() -> None:
    environments = """
        here = Environment(
            "here",
            scrape=[
                Targets("shop", ["shop:80"], labels={"data-centre": "eu"}),
            ],
            match={"shop": {"data-centre": "eu"}},
        )
    """
    facts = guardrail('tiers=[Warning(Above("5%"))]')
    assert [line for line, _ in found(NAME, facts, environments=environments)] == [
        'Targets("shop", ["shop:80"], labels={"data-centre": "eu"}),',
        'match={"shop": {"data-centre": "eu"}},',
    ]


def test_other_labels_are_fine() -> None:
    facts = guardrail("tiers=[Warning(Above(5))]", measure='Gauge("x", by=["pool"])')
    assert found(NAME, "arms=ARMS", 'match={"job": "shop"}', facts) == []
