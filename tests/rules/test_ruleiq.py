"""ruleiq's time budgets: what is clearly bad is decided within a minute, what is just over a limit recovers within five."""

from __future__ import annotations

from pathlib import Path

from handrail.plan import Rollout
from own_rollouts import own_rollout
from typed import typed

from .judged import Asked, complaints, firing

TOP = Path(__file__).parents[2]


def ruleiq() -> Rollout:
    return own_rollout("ruleiq")


def series(bad: int, pool: int, refused: int) -> dict[str, str]:
    """400 requests a minute, of which `bad` in a hundred fail and as many are slow from the tenth minute on; `pool`
    connections in use then, and `refused` sign-ins in 15 s."""
    requests, good = "0+100x160", f"0+100x40 {4100 - bad}+{100 - bad}x119"
    of = 'job="ruleiq",instance="a",method="POST",endpoint="/reports/{id}"'
    return {
        f'ruleiq_requests_total{{{of},status="200"}}': good,
        f'ruleiq_requests_total{{{of},status="500"}}': f"0x40 {bad}+{bad}x119",
        f'ruleiq_request_duration_seconds_bucket{{{of},le="1.0"}}': good,
        f'ruleiq_request_duration_seconds_bucket{{{of},le="2.0"}}': good,
        f'ruleiq_request_duration_seconds_bucket{{{of},le="5.0"}}': requests,
        f'ruleiq_request_duration_seconds_bucket{{{of},le="+Inf"}}': requests,
        f"ruleiq_request_duration_seconds_count{{{of}}}": requests,
        'ruleiq_db_pool_size{job="ruleiq",instance="a",pool="main"}': f"5x40 {pool}x119",
        'ruleiq_auth_failures{job="ruleiq",instance="a",reason="bad-password"}': f"0x40 {refused}+{refused}x119",
        'up{job="ruleiq",instance="a"}': "1x160",
    }


ROLLED_BACK = (
    "RuleiqErrorRateFastCritical",
    "RuleiqLatencyFastCritical",
    "RuleiqAuthAttackCritical",
    "RuleiqDbPoolCritical",
)


def test_what_is_clearly_bad_fires_in_half_a_minute_beside_a_scrape_and_an_evaluation(promtool: str) -> None:
    """Here neither is waited for: 15 s for each of them make it the minute to decide."""
    clear = series(bad=21, pool=46, refused=53)
    asked = (firing("10m"), firing("10m30s", *ROLLED_BACK))
    assert complaints(promtool, ruleiq(), clear, *asked, every="15s") == ""


def test_what_is_just_over_its_limit_fires_when_two_minutes_are_full(promtool: str) -> None:
    just_over = series(bad=6, pool=46, refused=26)
    asked = firing("12m", *ROLLED_BACK)
    assert complaints(promtool, ruleiq(), just_over, asked, every="15s") == ""


def test_what_is_at_its_limit_never_rolls_back(promtool: str) -> None:
    at_the_limit = series(bad=5, pool=45, refused=25)
    asked = firing("39m", "RuleiqDbPoolWarning")
    assert complaints(promtool, ruleiq(), at_the_limit, asked, every="1m") == ""


def test_an_application_that_is_gone_pages_within_a_minute_long_before_anybody_is_blind(
    promtool: str,
) -> None:
    there = {name: values.split(" ")[0] for name, values in series(bad=0, pool=5, refused=0).items()}
    gone = {**there, 'up{job="ruleiq",instance="a"}': "1x40 0x120"}
    counted = {
        name: values.split("x")[0] + "x40" for name, values in gone.items() if not name.startswith("up")
    }
    asked = (firing("10m"), firing("10m45s", "RuleiqServiceCritical"), firing("14m", "RuleiqServiceCritical"))
    assert complaints(promtool, ruleiq(), {**gone, **counted}, *asked, every="15s") == ""


def test_what_failed_while_nobody_scraped_counts_at_the_first_scrape(promtool: str) -> None:
    """All of the five minutes in which the application was not reached: 100 of 2000 requests failed, and 30 more."""
    of = 'job="ruleiq",instance="a",method="POST",endpoint="/reports/{id}"'
    missed = {
        f'ruleiq_requests_total{{{of},status="200"}}': "0+100x40 stale _x18 5870+100x20",
        f'ruleiq_requests_total{{{of},status="500"}}': "0x40 stale _x18 130x20",
        'up{job="ruleiq",instance="a"}': "1x40 0x18 1x21",
    }
    share = Asked(
        'round(handrail:guardrail:value{guardrail="error-rate"}, 0.001)',
        "15m",
        {'{guardrail="error-rate", rollout="ruleiq"}': 0.065},
    )
    assert complaints(promtool, ruleiq(), missed, share, every="15s") == ""


def test_explain_has_the_whole_time_and_from_what_on_a_minute_is_enough() -> None:
    said = typed("explain", "ruleiq", "--source", "rules_src", folder=TOP).stdout
    budgets, within = said[said.index("Time budgets") : said.index("\nActions")].split("\n\n")
    assert [line.split()[-3:] for line in budgets.splitlines()[2:]] == [
        ["1m", "1m", "yes"],
        ["5m", "1m20s", "yes"],
        ["5m", "2m50s", "yes"],
    ]
    assert [" ".join(line.split()) for line in within.splitlines()[2:] if "nothing" not in line] == [
        "error-rate-fast critical 20 % bad",
        "auth-attack critical 200/min",
        "latency-fast critical 20 % slow",
        "db-pool critical any breach",
    ]
