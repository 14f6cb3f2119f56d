"""job-not-scraped: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.job_not_scraped import NAME

HERE = (
    'here = Environment("here", scrape=[Targets("shop", ["shop:8000"]), Targets("shop-db", ["db:9187"])])\n'
)


def said(job: str, *facts: str, environments: str = HERE) -> list[str]:
    own = guardrail("tiers=[Warning(Above(5))]", measure=f"Gauge('depth{{{job}}}')")
    return [what for _, what in found(NAME, own, *facts, environments=environments)]


def test_a_job_that_nothing_scrapes_is_found() -> None:
    assert said('job="shop-ci"') == [
        (
            "error: 'errors' asks for job=\"shop-ci\", which environment 'here' does not scrape; "
            "add Targets(…) to its scrape=, or correct the job; there are: shop, shop-db"
        )
    ]
    assert len(said('job=~"shop-(ci|node)"')) == len(said('job!~"shop.*"')) == 1
    assert len(said("", 'match={"job": "shop-ci"}')) == 1


@pytest.mark.parametrize("job", ['job="shop"', 'job=~"shop(-.+)?"', 'job!="shop"', 'instance="a"'])
def test_a_job_that_is_scraped_is_fine_and_so_is_any(job: str) -> None:
    assert said(job) == []


def test_where_others_may_scrape_it_nothing_is_said() -> None:
    assert said('job="shop-ci"', environments="") == []
    assert said('job="shop-ci"', environments='here = Environment("here")\n') == []
    theirs = HERE.replace("scrape=", 'existing=["prometheus"], scrape=')
    assert said('job="shop-ci"', environments=theirs) == []
