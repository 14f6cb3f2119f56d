"""aidin's share of server errors at its traffic: what warns, what rolls back, and what a day's gate makes of it."""

from __future__ import annotations

import pytest

from .aidin_rules import aidin, fires
from .judged import Asked, complaints

JOB = 'instance="a",job="aidin-log"'
WARNS, ROLLS = {"warning": "investigate"}, {"critical": "rollback"}
STAGE = {'handrail_rollout_stage{rollout="aidin-hardening",stage="10%"}': "1x1600"}


def requests(good: str, bad: str) -> dict[str, str]:
    """By their status, and that the log is read."""
    return {
        f"up{{{JOB}}}": "1x1600",
        f'http_requests_total{{{JOB},status="200"}}': good,
        f'http_requests_total{{{JOB},status="500"}}': bad,
        **STAGE,
    }


@pytest.mark.parametrize(
    ("of", "bad", "tiers"),
    [
        (40, 9, {}),
        (40, 10, WARNS),
        (40, 11, WARNS | ROLLS),
        (60, 50, WARNS | ROLLS),
        (60, 51, WARNS | ROLLS | {"emergency": "emergency-rollback"}),
        (900, 6, {}),
        (1100, 5, {}),
        (1100, 6, WARNS),
        (1100, 12, WARNS | ROLLS),
        (2400, 11, {}),
        (2400, 23, WARNS),
    ],
)
def test_ten_failed_requests_warn_at_any_traffic_and_from_a_thousand_on_the_share_counts(
    promtool: str, of: int, bad: int, tiers: dict[str, str]
) -> None:
    """So many of so many requests of five minutes, all of them within a scrape."""
    series = requests(f"0x16 {of - bad}x40", f"0x16 {bad}x40")
    assert complaints(promtool, aidin("http-5xx"), series, fires("6m", **tiers)) == ""


def test_that_no_five_minutes_of_a_day_had_a_thousand_requests_is_said_after_that_day(promtool: str) -> None:
    rollout = aidin("http-5xx")
    few, busy = requests("0+2x1600", "0x1600"), requests("0+2x700 2400+2x900", "0x1600")
    asked = fires("23h"), fires("25h", thin="investigate")
    assert complaints(promtool, rollout, few, *asked, step="1m") == ""
    assert complaints(promtool, rollout, busy, fires("25h"), step="1m") == ""


@pytest.mark.parametrize(("minutes", "broken"), [(1, False), (20, True)])
def test_one_bad_minute_closes_no_gate_of_a_day_and_twenty_do(
    promtool: str, minutes: int, broken: bool
) -> None:
    """At ten requests a minute, which are 14,400 a day; all of them fail for so long."""
    rollout = aidin("daily-5xx")
    before, rest = 600, 1600 - 600 - minutes
    good = f"0+10x{before} {10 * before}x{minutes - 1} {10 * before}+10x{rest}"
    bad = f"0x{before} 10+10x{minutes - 1} {10 * minutes}x{rest}"
    compared = 'handrail_reference{rollout="aidin-hardening",guardrail="daily-5xx",reference="before"}'
    criteria = [
        one for one in rollout.playbook.gates[0].criteria if one.guardrail in {"http-5xx", "daily-5xx"}
    ]
    assert len(criteria) == 2
    asked = [
        Asked(f"count({text})", "25h", {"{}": 1} if found else {})
        for one in criteria
        for text, found in ((one.expr, broken), (one.seen, True))
    ]
    series = requests(good, bad) | {compared: "0x1600"}
    assert complaints(promtool, rollout, series, *asked, step="1m") == ""
