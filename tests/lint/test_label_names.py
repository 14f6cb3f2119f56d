"""label-names: what it reports, with line and message, and what it does not report."""

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


@pytest.mark.parametrize(
    ("measure", "label"),
    [
        ('PromQL("sum by (service) (queue_length)")', "service"),
        ('PromQL("max by (queue, tier) (queue_length)")', "tier"),
        ("PromQL(\"count_values('stage', queue_length)\")", "stage"),
        ("PromQL(\"label_replace(sum(queue_length), 'action', 'a', '', '')\")", "action"),
        ('PromQL("sum by (reason) (a) / on (reason) group_left sum by (reason) (b)")', "reason"),
        ('PromQL("topk(3, sum by (environment) (a))")', "environment"),
        ('PromQL("sum by (severity) (a) or sum(b)")', "severity"),
        ('Gauge("x", by=["environment"])', "environment"),
    ],
)
def test_nor_one_of_which_free_promql_has_a_series_each(measure: str, label: str) -> None:
    what = f"tells series apart by the label '{label}', which generated alerts use themselves"
    assert [said for _, said in found(NAME, guardrail("tiers=[Warning(Above(5))]", measure=measure))] == [
        f"fatal: 'errors' {what}; give the metric a label of another name"
    ]


@pytest.mark.parametrize(
    "measure",
    [
        'Gauge("x", by=["namespace", "pod"])',
        'Usage("x", 5, by=["namespace"])',
        'State("x", "namespace")',
        'Growth("x", by=["namespace"])',
        'Difference("x", minus="y", by=["namespace"])',
        'Count("x", distinct="namespace", by=["pod"])',
        'PromQL("sum by (namespace) (x)")',
    ],
)
def test_a_namespace_is_one_to_tell_apart_by_on_kubernetes_too(measure: str) -> None:
    limit = 'Is("open")' if "State" in measure else 'Above("5%")' if "Usage" in measure else "Above(5)"
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []


def test_but_not_the_one_that_alerts_on_kubernetes_keep_it_in() -> None:
    [(_, said)] = found(
        NAME, guardrail("tiers=[Warning(Above(5))]", measure='Gauge("x", by=["series_namespace"])')
    )
    what = "tells series apart by the label 'series_namespace', which generated alerts use themselves"
    assert said == f"fatal: 'errors' {what}; give the metric a label of another name"


@pytest.mark.parametrize(
    "expr",
    [
        "sum(queue_length)",
        "sum by (queue) (queue_length{service='a'})",
        "sum without (service) (queue_length)",
        "sum(sum by (service) (queue_length))",
        "scalar(sum by (service) (a)) * sum(b)",
        "sum by (queue, service) (a) / on (queue) sum by (queue, service) (b)",
    ],
)
def test_what_it_aggregates_away_is_fine(expr: str) -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(5))]", measure=f'PromQL("{expr}")')) == []


def test_other_labels_are_fine() -> None:
    facts = guardrail("tiers=[Warning(Above(5))]", measure='Gauge("x", by=["pool"])')
    assert found(NAME, "arms=ARMS", 'match={"job": "shop"}', facts) == []


def test_nor_by_the_label_that_says_which_arm_a_version_is() -> None:
    facts = guardrail("tiers=[Warning(Above(5))]", measure='Gauge("x", by=["arm"])')
    said = (
        "fatal: 'errors' tells series apart by 'arm', which already tells the arms apart; take it out of by="
    )
    assert found(NAME, 'arms=Arms("version")', "stages=STAGES", facts) == [('Gauge("x", by=["arm"]),', said)]
    assert found(NAME, "arms=ARMS", "stages=STAGES", facts) == []


def test_nor_is_one_whose_values_are_counted_one_of_prometheus() -> None:
    facts = guardrail("tiers=[Warning(Above(5))]", measure='Count("x", distinct="__name__")')
    assert [said for _, said in found(NAME, facts)] == [
        (
            "fatal: 'errors' uses the label name '__name__', which Prometheus refuses or keeps for itself; "
            "use letters, digits and _, not a digit first and not __ first"
        )
    ]
