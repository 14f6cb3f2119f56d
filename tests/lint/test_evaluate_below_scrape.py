"""evaluate-below-scrape: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.evaluate_below_scrape import NAME

GUARD = guardrail('tiers=[Warning(Above("5%"))]')
SAID = 'evaluates every 15s what is scraped every 1m; write evaluate="1m", or scrape as often'


def test_nothing_new_is_seen_between_two_scrapes() -> None:
    assert found(NAME, GUARD, 'scrape="1m"', 'evaluate="15s"') == [('evaluate="15s",', f"warning: {SAID}")]


def test_as_often_is_fine() -> None:
    assert found(NAME, GUARD, 'scrape="30s"', 'evaluate="30s"') == []
