"""evaluate-below-scrape: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.evaluate_below_scrape import NAME

GUARD = guardrail('tiers=[Warning(Above("5%"))]')
SLO = 'slos=[Slo("available", ERRORS, objective="99.9%", runbook=RUNBOOK)]'
SAID = 'evaluates every 15s what is scraped every 1m; write evaluate="1m", or scrape as often'


@pytest.mark.parametrize(("more", "severity"), [((), "warning"), ((SLO,), "error")])
def test_nothing_new_is_seen_between_two_scrapes(more: tuple[str, ...], severity: str) -> None:
    assert found(NAME, GUARD, 'scrape="1m"', 'evaluate="15s"', *more) == [
        ('evaluate="15s",', f"{severity}: {SAID}")
    ]


def test_as_often_is_fine() -> None:
    assert found(NAME, GUARD, 'scrape="30s"', 'evaluate="30s"', SLO) == []
