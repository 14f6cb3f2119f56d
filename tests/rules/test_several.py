"""Sums of several series: none hides another, and a sum with a missing part is unknown."""

from __future__ import annotations

import pytest
from handrail.declare import Above, Below, Critical, Guardrail, Increase, Rate, Ratio, Slo, Usage
from handrail.declare.measures import Measure

from .judged import Asked, complaints, firing, shop, value

OUTCOMES = Ratio(["ok_total", "failed_total"], bad="failed_total")
"""In a window of 5 m, that is 20 scrapes of 15 s, of at least 100 events."""
HEAP = Usage(["young_used", "old_used"], ["young_max", "old_max"])
UP = {'up{job="shop",instance="a"}': "1x400"}


def guardrail(measure: Measure, limit: Above | Below) -> Guardrail:
    return Guardrail("g", measure, tiers=[Critical(limit)])


def recorded(at: str, *values: float) -> Asked:
    return value(at, dict.fromkeys(['{guardrail="g", rollout="shop"}'], values[0]) if values else {})


def blind(at: str, *reasons: str) -> Asked:
    expr = 'count by (reason) (ALERTS{alertstate="firing",alertname="ShopGBlind"})'
    return Asked(expr, at, {f'{{reason="{reason}"}}': 1 for reason in reasons})


def test_counters_with_the_same_labels_are_all_events_together(promtool: str) -> None:
    """9 succeed and 1 fails from scrape to scrape: a tenth, of 200 events in the window."""
    series = {**UP, 'ok_total{instance="a"}': "0+9x400", 'failed_total{instance="a"}': "0+1x400"}
    events = Asked("round(handrail:guardrail:events)", "20m", {'{guardrail="g", rollout="shop"}': 200})
    rollout = shop(guardrail(OUTCOMES, Above("5%")))
    assert (
        complaints(promtool, rollout, series, recorded("20m", 0.1), events, firing("20m", "ShopGCritical"))
        == ""
    )


def test_a_counter_that_is_not_born_counts_as_nothing_and_its_first_events_count_whole(promtool: str) -> None:
    """Nothing has failed for 75 m; then a tenth of all has, at once: 20 beside 9 x 20 in the window."""
    series = {**UP, 'ok_total{instance="a"}': "0+9x400", 'failed_total{instance="a"}': "_x300 20x100"}
    rollout = shop(guardrail(OUTCOMES, Above("5%")))
    said = complaints(
        promtool, rollout, series, recorded("70m", 0), blind("70m"), recorded("77m", 0.1), blind("77m")
    )
    assert said == ""


@pytest.mark.parametrize(
    ("born", "other"), [("refused_total", "refused"), ("refused", "refused_total")], ids=["new", "old"]
)
@pytest.mark.parametrize(
    ("measure", "now"),
    [
        (Rate(["refused_total", "refused"], window="1m"), 0.2),
        (Increase(["refused_total", "refused"], window="1m"), 12),
    ],
    ids=["rate", "increase"],
)
def test_a_counter_is_read_by_its_new_name_and_by_its_old_one(
    promtool: str, measure: Measure, now: float, born: str, other: str
) -> None:
    series = {**UP, f'{born}{{instance="a"}}': "0+3x100 stale"}
    rollout = shop(guardrail(measure, Above(1000) if isinstance(measure, Increase) else Above("1000/s")))
    gone = (blind("20m"), blind("40m", "its metrics are missing"))
    assert complaints(promtool, rollout, series, recorded("20m", now), *gone) == ""
    changed = {**UP, f'{born}{{instance="a"}}': "0+3x40 stale", f'{other}{{instance="a"}}': "_x41 0+3x160"}
    assert complaints(promtool, rollout, changed, recorded("20m", now), blind("20m")) == ""


def test_where_none_of_them_is_there_it_is_blind(promtool: str) -> None:
    series = {**UP, 'ok_total{instance="a"}': "0+9x100 stale", 'failed_total{instance="a"}': "0+1x60 stale"}
    rollout = shop(guardrail(OUTCOMES, Above("5%")))
    said = complaints(promtool, rollout, series, blind("24m"), blind("45m", "its metrics are missing"))
    assert said == ""


def test_an_exporter_that_moves_takes_what_all_its_counters_counted_along(promtool: str) -> None:
    """Nothing failed before, so that its counter of failures alone would pass for a new one."""
    series = {
        'up{job="shop",instance="a"}': "1x300 stale",
        'up{job="shop",instance="b"}': "_x300 1x100",
        'ok_total{instance="a"}': "48211x300 stale",
        'ok_total{instance="b"}': "_x300 48211x100",
        'failed_total{instance="a"}': "0x300 stale",
        'failed_total{instance="b"}': "_x300 0x100",
    }
    rollout = shop(guardrail(OUTCOMES, Above("5%")))
    counted = [
        Asked("round(handrail:guardrail:events)", at, {'{guardrail="g", rollout="shop"}': 0})
        for at in ("75m30s", "76m", "78m")
    ]
    assert complaints(promtool, rollout, series, *counted) == ""


def test_bad_events_of_two_counters_are_added_up(promtool: str) -> None:
    """Of 20 calls 1 runs into its time and 2 are refused: 15 %."""
    measure = Ratio("calls_total", bad=["timeouts_total", "refused_total"])
    series = {
        **UP,
        'calls_total{instance="a"}': "0+20x400",
        'timeouts_total{instance="a"}': "0+1x400",
        'refused_total{instance="a"}': "0+2x400",
    }
    rollout = shop(guardrail(measure, Above("12%")))
    assert complaints(promtool, rollout, series, recorded("20m", 0.15), firing("20m", "ShopGCritical")) == ""


@pytest.mark.parametrize(
    ("missing", "value", "reasons"),
    [
        ("", [0.45], []),
        ("old_used", [], ["its metrics are missing"]),
        ("young_max", [], ["its metrics are missing"]),
    ],
)
def test_of_gauges_that_are_added_up_each_must_be_there(
    promtool: str, missing: str, value: list[float], reasons: list[str]
) -> None:
    """30 + 60 of 100 + 100."""
    series = {"young_used": "30x80", "old_used": "60x80", "young_max": "100x80", "old_max": "100x80"}
    left = {name: values for name, values in series.items() if name != missing}
    rollout = shop(guardrail(HEAP, Above("80%")))
    assert complaints(promtool, rollout, left, recorded("15m", *value), blind("15m", *reasons)) == ""


def test_and_each_must_be_a_number(promtool: str) -> None:
    series = {
        "young_used": "30x80",
        "old_used": " ".join(["NaN"] * 80),
        "young_max": "100x80",
        "old_max": "100x80",
    }
    rollout = shop(guardrail(HEAP, Above("80%")))
    said = complaints(promtool, rollout, series, recorded("15m"), blind("15m", "its values are no numbers"))
    assert said == ""


def test_the_fullest_has_the_sum_of_its_own(promtool: str) -> None:
    """Of two pools one has 20 + 60 of 100, the other 30 + 10."""
    series = {
        'young_used{pool="a"}': "20x80",
        'old_used{pool="a"}': "60x80",
        'young_used{pool="b"}': "30x80",
        'old_used{pool="b"}': "10x80",
    }
    rollout = shop(guardrail(Usage(["young_used", "old_used"], 100, over="max"), Above("70%")))
    assert complaints(promtool, rollout, series, recorded("15m", 0.8), firing("15m", "ShopGCritical")) == ""


def test_an_objective_counts_the_events_of_all_of_them(promtool: str) -> None:
    """1 of 10 fails from the start: a tenth in five minutes."""
    rollout = shop(
        guardrail(OUTCOMES, Above("90%")), slos=[Slo("orders", OUTCOMES, objective="99%", window="7d")]
    )
    series = {**UP, 'ok_total{instance="a"}': "0+9x400", 'failed_total{instance="a"}': "0+1x400"}
    ratio = Asked(
        'round(handrail:slo:error_ratio{window="5m"}, 0.001)',
        "30m",
        {'{rollout="shop", slo="orders", window="5m"}': 0.1},
    )
    assert complaints(promtool, rollout, series, ratio) == ""
