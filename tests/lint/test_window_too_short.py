"""window-too-short: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.window_too_short import NAME


def test_a_window_under_two_scrapes_holds_no_rate() -> None:
    measure = """Ratio(
            bad="errors_total",
            of="requests_total",
            window="29s",
        )"""
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]', measure=measure)) == [
        (
            'window="29s",',
            (
                "error: 'errors' has a window of 29s, which holds no two samples: a scrape comes every 15s; "
                "widen window= to at least four times 15s"
            ),
        )
    ]


def test_a_window_that_one_missed_scrape_empties_is_worth_a_warning() -> None:
    facts = guardrail('tiers=[Warning(Above("1/s"))]', measure='Rate("errors_total", window="1m")')
    assert found(NAME, 'scrape="20s"', facts) == [
        (
            'Rate("errors_total", window="1m"),',
            (
                "warning: 'errors' has a window of 1m, which holds no two samples once a scrape fails: "
                "a scrape comes every 20s; widen window= to at least four times 20s"
            ),
        )
    ]


def test_the_condition_of_a_while_and_further_measures_have_windows_too() -> None:
    measure = 'While(Rate("a_total"), condition=Rate("b_total", window="10s"))'
    tiers = 'tiers=[Warning(Above("1/s"), or_=[On("c", Increase("c_total", window="20s"), Above(0))])]'
    assert [what.partition(":")[0] for _, what in found(NAME, guardrail(tiers, measure=measure))] == [
        "error"
    ] * 2


def test_four_scrapes_are_enough() -> None:
    facts = guardrail('tiers=[Warning(Above("1/s"))]', measure='Rate("errors_total", window="1m")')
    assert found(NAME, 'scrape="15s"', facts) == []


def test_the_window_of_a_gauge_needs_one_sample() -> None:
    measure = 'Gauge("x", window="{}")'
    tiers = "tiers=[Warning(Above(1))]"
    what = "has a window of {}, which holds no sample {}: a scrape comes every 15s; widen window= to at least twice 15s"
    assert [
        [said for _, said in found(NAME, guardrail(tiers, measure=measure.format(window)))]
        for window in ("14s", "29s", "30s")
    ] == [
        [f"error: 'errors' {what.format('14s', 'at times')}"],
        [f"warning: 'errors' {what.format('29s', 'at times once a scrape fails')}"],
        [],
    ]


def test_so_do_the_ranges_of_free_promql() -> None:
    tiers = "tiers=[Warning(Above(1))]"
    measure = 'PromQL("sum(rate(x_total[20s])) / max(max_over_time(y[20s])) + sum(rate(z_total[1m]))")'
    what = "'errors' has a window of 20s, which holds {}: a scrape comes every 15s; widen the range of {} to at least {} 15s"
    assert sorted(said for _, said in found(NAME, guardrail(tiers, measure=measure))) == [
        f"error: {what.format('no two samples', 'rate()', 'four times')}",
        f"warning: {what.format('no sample at times once a scrape fails', 'max_over_time()', 'twice')}",
    ]
