"""shared-series: two services whose series nothing tells apart are found, and what tells them apart is known."""

from __future__ import annotations

import pytest
from declared import HEAD, guardrail, said
from handrail.lint.shared_series import NAME

SEARCH = """
search = Rollout(
    name="search",
    service="{service}",
    match={match},
    guardrails=[Guardrail("failed", {measure}, tiers=[Warning(Above("5%"))], runbook=RUNBOOK)],
)
"""
ALL = 'Ratio(bad=\'requests_total{status=~"5.."}\', of="requests_total")'


def warned(
    ours: str = ALL,
    theirs: str = ALL,
    *,
    match: str = "{}",
    their_match: str = "{}",
    service: str = "search",
    environments: str = "",
    facts: str = 'tiers=[Warning(Above("5%"))]',
) -> list[str]:
    shop = f'{HEAD}\nshop = Rollout(\n    name="shop",\n    service="shop",\n    match={match},\n{guardrail(facts, measure=ours)},\n)\n'
    search = HEAD + SEARCH.format(service=service, match=their_match, measure=theirs)
    files = {"rollouts/shop.py": shop, "rollouts/search.py": search}
    if environments:
        files["environments.py"] = f"from handrail.declare import *\n\n{environments}\n"
    return [
        f"{problem.severity.name}: {problem.what}; {problem.cure}"
        for _, problem in said(files)
        if problem.lint == NAME
    ]


def test_one_finding_for_each_guardrail_names_the_other_rollout_and_the_cure() -> None:
    assert sorted(warned()) == [
        (
            "warning: 'errors' reads requests_total, and nothing tells it from what 'search' reads of service 'search'; "
            'scope the rollout by a label of its service, like match={"job": "shop"}'
        ),
        (
            "warning: 'failed' reads requests_total, and nothing tells it from what 'shop' reads of service 'shop'; "
            'scope the rollout by a label of its service, like match={"job": "search"}'
        ),
    ]


@pytest.mark.parametrize(
    ("match", "their_match", "findings"),
    [
        ('{"job": "shop"}', '{"job": "search"}', 0),
        ('{"job": "web"}', '{"job": "web"}', 2),
        ('{"job": "shop"}', "{}", 2),
        ('{"job": "shop"}', '{"app": "search"}', 2),
    ],
)
def test_only_a_label_on_which_both_insist_tells_two_services_apart(
    match: str, their_match: str, findings: int
) -> None:
    assert len(warned(match=match, their_match=their_match)) == findings


@pytest.mark.parametrize(
    ("ours", "theirs", "findings"),
    [
        ("Gauge(\"up{job='shop'}\")", "Gauge(\"up{job='search'}\")", 0),
        ("Gauge(\"up{job='shop'}\")", "Gauge(\"up{job!='shop'}\")", 0),
        ("Gauge(\"up{job='shop'}\")", "Gauge(\"up{job=~'shop|web'}\")", 2),
        ('Gauge("up")', 'Gauge("down")', 0),
        ('Rate("requests_total")', 'Increase("requests_total")', 2),
    ],
)
def test_matchers_of_the_measures_themselves_count(ours: str, theirs: str, findings: int) -> None:
    facts = "tiers=[Warning(Above(5))], whole_service=True"
    assert len(warned(ours, theirs, facts=facts)) == findings


def test_two_rollouts_of_one_service_may_look_at_the_same_series() -> None:
    assert warned(service="shop") == []


def test_what_the_environment_adds_tells_them_apart() -> None:
    here = 'here = Environment("here", match={"shop": {"job": "shop"}, "search": {"job": "search"}})'
    assert warned(environments=here) == []


def test_what_both_really_share_is_accepted_with_the_reason() -> None:
    facts = 'tiers=[Warning(Above("5%"))], accept={"shared-series": "one database for both"}'
    [other] = warned(facts=facts)
    assert other.startswith("warning: 'failed' reads requests_total")
