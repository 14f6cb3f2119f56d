"""source-unlike: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.source_unlike import NAME

SQL = 'sql=[SqlSource("postgres://reader@db/shop", [SqlMetric("orders_failed", "select 1", help="h", labels=["kind"])])]'
LOGS = 'logs=[LogSource(access=AccessLog("requests_total", "request_seconds", [0.1, 0.5]))]'
TIERS = "tiers=[Warning(Above(5))]"
HERE = 'here = Environment("here", scrape=[Targets("db", ["db:9399"], labels={"region": "eu"})])\n'


def said(
    measure: str, *facts: str, rollout: str = SQL, environments: str = HERE, tiers: str = TIERS
) -> list[str]:
    own = guardrail(tiers, *facts, measure=measure)
    return [what for _, what in found(NAME, rollout, "arms=ARMS", own, environments=environments)]


def test_a_label_that_the_query_does_not_give_is_found() -> None:
    measure = "Gauge('orders_failed{shop=\"a\"}')"
    what = "'errors' asks for the label 'shop' of orders_failed, whose source does not give it"
    cure = 'add it to the source, or to Targets(labels={"shop": …})'
    assert said(measure, "whole_service=True") == [f"error: {what}; {cure}"]
    assert said(measure, "whole_service=True", environments="") == [f"warning: {what}; {cure}"]


def test_a_database_counts_for_all_arms() -> None:
    what = "'errors' asks for the label 'track' of orders_failed, whose source does not give it"
    cure = 'say whole_service=True, or add it to the source, or to Targets(labels={"track": …})'
    assert said('Gauge("orders_failed")') == [f"error: {what}; {cure}"]
    assert said('Gauge("orders_failed")', environments=HERE.replace("region", "track")) == []


@pytest.mark.parametrize(
    "matchers",
    [
        'kind="a"',
        'region="eu"',
        'job="db",instance=~"db.*"',
        'shop=""',
        'shop!="a"',
        'shop=~".*"',
        'shop!~"a"',
    ],
)
def test_what_the_source_or_the_scrape_gives_or_may_be_absent_is_fine(matchers: str) -> None:
    assert said(f"Gauge('orders_failed{{{matchers}}}')", "whole_service=True") == []


def test_a_bound_is_one_of_the_log_s_own_buckets() -> None:
    tiers = 'tiers=[Warning(Above("5%"))]'
    measure = 'SlowerThan("request_seconds", "{}", buckets=[0.1, 0.4, 0.5])'
    facts = {"rollout": LOGS, "tiers": tiers}
    assert said(measure.format("400ms"), "whole_service=True", **facts) == [
        "error: 'errors' asks for a bucket at 0.4, and its source has none: 0.1, 0.5; use one of these, or add it there"
    ]
    assert said(measure.format("500ms"), "whole_service=True", **facts) == []


def test_metrics_of_others_are_theirs() -> None:
    assert said("Gauge('others{shop=\"a\"}')") == []
