"""An objective and what is recorded of it → which share of its budget is an alert."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from handrail.declare import Ratio, Slo
from pydantic import ValidationError

from .test_slo import BAD, complaints, course, shop


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        ("30d", [14.4, 6, 3, 1]),
        ("28d", [13.44, 5.6, 2.8, 1]),
        ("7d", [3.36, 1.4, 1, 1]),
        ("90d", [43.2, 18, 9, 3]),
    ],
)
def test_a_burn_rate_is_the_share_of_the_budget_times_the_period_by_the_window(
    window: str, factors: list[float]
) -> None:
    """For 30 days those of the Google SRE Workbook, table 5-8: 2 % in 1 h, 5 % in 6 h, 10 % in 1 d, 10 % in 3 d.

    Never less than 1: what burns more slowly lasts.
    """
    (slo,) = shop(window=window, objective="99.9%").slos
    compared = re.compile(r'window="(\w+)"} > ([\d.]+) and on \(rollout, slo\) \S+window="(\w+)"} > ([\d.]+)')
    found = {
        (long, short): (round(float(limit) * 1000, 5), round(float(confirming) * 1000, 5))
        for alert in slo.alerts
        for long, limit, short, confirming in compared.findall(alert.expr)
    }
    pairs = [("1h", "5m"), ("6h", "30m"), ("1d", "2h"), ("3d", "6h")]
    assert found == {pair: (factor, factor) for pair, factor in zip(pairs, factors, strict=True)}


@pytest.mark.parametrize(("pace", "fires"), [("0.95", None), ("1.05", 2)])
def test_a_week_s_budget_that_lasts_warns_nobody(
    promtool: str, tmp_path: Path, pace: str, fires: float | None
) -> None:
    """All the time errors come a little more slowly or faster than the budget lasts: then over 1 d, and over 3 d."""
    series = {
        'requests_total{code="500"}': f"0+{pace}x400",
        'requests_total{code="200"}': f"0+{1000 - float(pace):g}x400",
    }
    warning = 'ALERTS{alertstate="firing",alertname="ShopSloOrdersWarning"}', "90m", fires
    assert complaints(tmp_path, promtool, shop(window="7d"), series, warning) == ""


def test_a_short_burst_is_no_critical_alert_and_one_that_goes_on_is(promtool: str, tmp_path: Path) -> None:
    """After an hour without errors 2 % fail, 20 times what the budget allows: for five minutes, or on and on."""
    good = {'requests_total{code="200"}': "0+1000x800"}
    critical = 'ALERTS{alertstate="firing",alertname="ShopSloOrdersCritical",window="1h"}'
    short, long = "0x240 20+20x19 400x500", "0x240 20+20x500"
    for errors, fires in ((short, None), (long, 1)):
        series = {**good, 'requests_total{code="500"}': errors}
        asked = [(critical, "65m", None), (critical, "120m", fires)]
        assert complaints(tmp_path, promtool, shop(), series, *asked) == ""


@pytest.mark.parametrize("window", ["3d", "1h"])
def test_a_period_is_longer_than_what_its_alerts_look_at(window: str) -> None:
    with pytest.raises(ValidationError, match=f"'{window}' is too short: its alerts look back over 3 days"):
        Slo("orders", BAD, objective="99.9%", window=window)


@pytest.mark.parametrize("part", ["bad", "good"])
def test_more_bad_or_good_events_than_there_are_is_blind_and_no_alert(
    promtool: str, tmp_path: Path, part: str
) -> None:
    """Retries are counted where requests are not."""
    measure = Ratio(of="requests_total", min_events=10, min_bad=10, **{part: "retries_total"})  # type: ignore[arg-type]
    series = {
        "requests_total": course([10 * n for n in range(400)]),
        "retries_total": course([20 * n for n in range(400)]),
    }
    firing = 'ALERTS{alertstate="firing",guardrail="slo-orders",tier="%s"}'
    told: list[tuple[str, str, float | None]] = [
        (firing % "blind", "90m", 1),
        (firing % "critical", "90m", None),
        (firing % "warning", "90m", None),
        ("handrail:slo:error_ratio", "90m", None),
    ]
    assert complaints(tmp_path, promtool, shop(measure), series, *told) == ""
