"""Ages, counts, differences, forecasts and changes: numbers that can be checked by eye, and what blinds them."""

from __future__ import annotations

import pytest
from handrail.declare import (
    Above,
    Age,
    Ago,
    AtMost,
    Below,
    Changes,
    Count,
    Critical,
    Difference,
    Drop,
    Forecast,
    Gauge,
    Guardrail,
    TimeUntil,
    While,
)
from handrail.plan import Rollout as Planned

from .judged import Asked, complaints, firing, shop, value

MISSING = "its metrics are missing"
NUMBERS = "its values are no numbers"
BLIND = 'count by (reason) (ALERTS{alertstate="firing",tier="blind"})'


def judged(measure: object, limit: object) -> Planned:
    """A rollout with one guardrail, `it`."""
    return shop(Guardrail("it", measure, tiers=[Critical(limit)]))  # type: ignore[arg-type]


def it(number: float, **labels: str) -> dict[str, float]:
    """What is recorded of it."""
    named = {**labels, "guardrail": "it", "rollout": "shop"}
    return {"{" + ", ".join(f'{name}="{text}"' for name, text in sorted(named.items())) + "}": number}


def blind(at: str, *reasons: str) -> Asked:
    """It is blind for these reasons and no other."""
    return Asked(BLIND, at, {f'{{reason="{reason}"}}': 1.0 for reason in reasons})


def critical(at: str, *apps: str) -> Asked:
    """It fires for these, and for no other."""
    expr = 'count by (app) (ALERTS{alertstate="firing",tier="critical"})'
    return Asked(expr, at, {f'{{app="{app}"}}': 1.0 for app in apps})


WANTED = {'wanted{app="a"}': "3x80", 'wanted{app="b"}': "3x80", 'wanted{app="c"}': "3x80"}
THERE = {'there{app="a"}': "3x80", 'there{app="b"}': "1x80", 'there{app="c"}': "5x80"}


def test_a_difference_is_that_of_each_group(promtool: str) -> None:
    rollout = judged(Difference("wanted", minus="there", by=["app"]), Above(0))
    numbers = value("5m", {**it(0, app="a"), **it(2, app="b"), **it(-2, app="c")})
    said = complaints(promtool, rollout, {**WANTED, **THERE}, numbers, critical("5m", "b"), blind("15m"))
    assert said == ""


def test_two_that_must_be_alike_differ_whichever_is_greater(promtool: str) -> None:
    rollout = judged(Difference("wanted", minus="there", by=["app"], absolute=True), Above(0))
    numbers = value("5m", {**it(0, app="a"), **it(2, app="b"), **it(2, app="c")})
    said = complaints(promtool, rollout, {**WANTED, **THERE}, numbers, critical("5m", "b", "c"))
    assert said == ""


@pytest.mark.parametrize("gone", ['wanted{app="b"}', 'there{app="b"}'])
def test_a_group_of_which_one_side_is_gone_is_blind_beside_others_that_are_whole(
    promtool: str, gone: str
) -> None:
    series = {name: values for name, values in {**WANTED, **THERE}.items() if name != gone}
    rollout = judged(Difference("wanted", minus="there", by=["app"]), Above(0))
    assert complaints(promtool, rollout, series, critical("10m"), blind("10m", MISSING)) == ""


STAMPS = {'stamp{app="old"}': "0+0x80", 'stamp{app="new"}': "540x80"}


def test_an_age_grows_with_the_clock(promtool: str) -> None:
    numbers = value("10m", {**it(600, app="old"), **it(60, app="new")})
    rollout = judged(Age("stamp", by=["app"]), Above("5m"))
    said = complaints(promtool, rollout, STAMPS, numbers, critical("10m", "old"), blind("15m"))
    assert said == ""
    of_all = several(oldest=(Age("stamp"), Above("5m")), newest=(Age("stamp", over="min"), Above("5m")))
    assert complaints(promtool, of_all, STAMPS, firing("10m", "ShopOldestCritical")) == ""


def several(**measures: tuple[object, object]) -> Planned:
    """A rollout with a guardrail for each of these, and its limit."""
    return shop(*(Guardrail(name, one, tiers=[Critical(limit)]) for name, (one, limit) in measures.items()))  # type: ignore[arg-type]


def test_a_job_that_never_ran_is_what_is_declared(promtool: str) -> None:
    """0 is when the clock of these tests began: ten minutes ago, or ten minutes over."""
    late, over = Above("5m"), Below("-5m")
    rollout = several(
        a=(Age("stamp"), late),
        b=(Age("stamp", zero="no data"), late),
        c=(Age("stamp", zero="left out"), late),
        d=(TimeUntil("stamp"), over),
        e=(TimeUntil("stamp", zero="no data"), over),
        f=(TimeUntil("stamp", zero="left out"), over),
    )
    asked = firing("10m", "ShopACritical", "ShopBBlind", "ShopDCritical", "ShopEBlind")
    assert complaints(promtool, rollout, {"stamp": "0x80"}, asked) == ""


def test_a_time_runs_down_and_is_less_than_nothing_once_it_is_over(promtool: str) -> None:
    """At 10 m one has 50 m left, and the other, in milliseconds, is over since 100 s."""
    seconds = judged(TimeUntil("end"), Below("1h"))
    left = value("10m", it(3000)), firing("10m", "ShopItCritical")
    assert complaints(promtool, seconds, {"end": "3600x80"}, *left) == ""
    millis = judged(TimeUntil("end_ms", unit="ms"), AtMost(0))
    over = value("10m", it(-100)), firing("8m"), firing("10m", "ShopItCritical")
    assert complaints(promtool, millis, {"end_ms": "500000x80"}, *over) == ""


def test_what_lies_too_far_in_the_future_is_no_time(promtool: str) -> None:
    """Milliseconds that are read as seconds would be young for ever; an hour ahead of now is another time zone."""
    series = {"none": "NaN " * 80, "ms": "1700000000000x80", "zone": "7200x80", "end": "Inf " * 80}
    rollout = several(
        **{f"age-{name}": (Age(name), Above("5m")) for name in series},
        **{f"until-{name}": (TimeUntil(name), Below("14d")) for name in series if name != "zone"},
    )
    words = [name.title() for name in series]
    found = [f"ShopAge{word}Blind" for word in words] + [
        f"ShopUntil{word}Blind" for word in words if word != "Zone"
    ]
    assert complaints(promtool, rollout, series, value("5m", {}), firing("10m", *found)) == ""


def test_a_clock_that_is_a_minute_ahead_is_no_blindness(promtool: str) -> None:
    rollout = judged(Age("stamp"), Above("5m"))
    asked = value("5m", it(-60)), firing("10m"), blind("10m")
    assert complaints(promtool, rollout, {"stamp": "360x20 600x60"}, *asked) == ""


UPS = {
    'up{job="kafka",instance="a"}': "1x80",
    'up{job="kafka",instance="b"}': "0x80",
    'up{job="kafka",instance="c"}': "0x20 1x60",
}


def test_series_are_counted_whose_value_is_as_it_is_asked_for(promtool: str) -> None:
    down = judged(Count('up{job="kafka"}', where="== 0"), Above(1))
    asked = value("3m", it(2)), firing("3m", "ShopItCritical"), value("10m", it(1)), firing("10m")
    assert complaints(promtool, down, UPS, *asked) == ""
    none = judged(Count('up{job="kafka"}', where="> 5"), Below(1))
    assert complaints(promtool, none, UPS, value("3m", it(0)), firing("3m", "ShopItCritical")) == ""


def test_one_whose_value_is_no_number_leaves_no_count(promtool: str) -> None:
    series = {**UPS, 'up{job="kafka",instance="d"}': "NaN " * 80}
    rollout = judged(Count('up{job="kafka"}', where="== 0"), Above(0))
    assert complaints(promtool, rollout, series, value("5m", {}), firing("4m"), blind("10m", NUMBERS)) == ""


def test_no_series_at_all_is_no_data_and_with_presence_it_is_none(promtool: str) -> None:
    """Targets that are down are there as well: somebody knows that there should be brokers."""
    bare = judged(Count("broker"), Below(3))
    assert complaints(promtool, bare, UPS, value("5m", {}), firing("4m"), blind("10m", MISSING)) == ""
    known = judged(Count("broker", presence='up{job="kafka"}'), Below(3))
    asked = value("5m", it(0)), firing("10m", "ShopItCritical")
    assert complaints(promtool, known, UPS, *asked) == ""
    assert complaints(promtool, known, {"other": "1x80"}, value("5m", {}), blind("10m", MISSING)) == ""


def test_values_of_a_label_are_counted_once(promtool: str) -> None:
    """Without the label a series has no value of it; where none has it, nobody can know."""
    series = {
        'build{version="1",node="a"}': "1x80",
        'build{version="1",node="b"}': "1x80",
        'build{version="2",node="c"}': "1x20 0x60",
        'build{node="d"}': "1x80",
    }
    rollout = judged(Count("build", distinct="version", where="> 0"), Above(1))
    asked = value("3m", it(2)), firing("3m", "ShopItCritical"), value("10m", it(1)), firing("10m")
    assert complaints(promtool, rollout, series, *asked) == ""
    lost = {'build{node="d"}': "1x80"}
    assert complaints(promtool, rollout, lost, value("5m", {}), blind("10m", MISSING)) == ""


def test_a_disk_that_loses_one_in_a_scrape_has_lost_forty_in_ten_minutes_more(promtool: str) -> None:
    rollout = judged(Forecast("free", window="5m", ahead="10m", by=["app"]), Below(30))
    series = {'free{app="a"}': "100-1x80", 'free{app="b"}': "100x80"}
    asked = value("10m", {**it(20, app="a"), **it(100, app="b")}), critical("10m", "a"), critical("6m")
    assert complaints(promtool, rollout, series, *asked) == ""


def test_of_several_disks_the_one_nearest_to_the_limit_is_judged(promtool: str) -> None:
    def at(over: str | None) -> Forecast:
        return Forecast("free", window="5m", ahead="10m", over=over)  # type: ignore[arg-type]

    series = {'free{app="a"}': "100-1x80", 'free{app="b"}': "100x80"}
    rollout = several(least=(at(None), Below(30)), most=(at(None), Above(300)), said=(at("max"), Below(30)))
    numbers = {
        f'{{guardrail="{name}", rollout="shop"}}': n
        for name, n in (("least", 20), ("most", 100), ("said", 100))
    }
    assert complaints(promtool, rollout, series, value("10m", numbers)) == ""


def test_a_forecast_is_compared_with_what_was_forecast_then(promtool: str) -> None:
    """A line through the window of then that reaches to now would find that nothing has changed."""

    def than(before: str) -> Guardrail:
        forecast = Forecast("free", window="5m", ahead="10m")
        return Guardrail(f"by{before[0]}", forecast, against=Ago("10m"), tiers=[Critical(Drop(before))])

    rollout = shop(than("4%"), than("5%"))
    numbers = {f'{{guardrail="by{by}", rollout="shop"}}': 840.0 for by in (4, 5)}
    asked = value("30m", numbers), firing("30m", "ShopBy4Critical")
    assert complaints(promtool, rollout, {"free": "1000-1x200"}, *asked) == ""


def test_what_is_gone_goes_nowhere(promtool: str) -> None:
    """Its samples of the last hours would still be there, and a line through them."""
    rollout = judged(Forecast("free", window="6h", ahead="24h"), Below(0))
    series = {"free": "100-1x40 stale"}
    asked = firing("9m", "ShopItCritical"), value("11m", {}), blind("20m", MISSING)
    assert complaints(promtool, rollout, series, *asked) == ""


def test_changes_are_counted_and_falls_alone_if_wanted(promtool: str) -> None:
    rollout = several(
        all=(Changes("started", window="5m"), Above(1)),
        falls=(Changes("started", window="5m", resets=True), Above(1)),
    )
    series = {"started": "5x20 6 6 5 5 5 7 7 4 4x60"}
    four_and_two = {'{guardrail="all", rollout="shop"}': 4.0, '{guardrail="falls", rollout="shop"}': 2.0}
    asked = value("9m", four_and_two), value("15m", dict.fromkeys(four_and_two, 0.0)), firing("15m")
    assert complaints(promtool, rollout, series, *asked) == ""


def test_what_is_no_number_changes_nothing_and_differs_from_nothing(promtool: str) -> None:
    rollout = several(
        a=(Changes("none"), Below(1)),
        b=(Forecast("none", window="5m"), Below(1)),
        c=(Difference("none", minus="one"), Below(1)),
        d=(Difference("one", minus="less", unit="bytes"), Below("1MB")),
    )
    series = {"none": "NaN " * 80, "one": "1x80", "less": "-1x80"}
    found = [f"Shop{word}Blind" for word in "ABCD"]
    assert complaints(promtool, rollout, series, value("5m", {}), firing("4m"), firing("12m", *found)) == ""


def test_replicas_are_missing_only_while_none_comes(promtool: str) -> None:
    """As kubernetes-mixin asks: fewer than wanted, and nothing has moved for ten minutes. App c moves all the time."""
    measure = While(
        Difference("wanted", minus="there", by=["app"]),
        condition=Changes("updated", window="5m", by=["app"]),
        at_most=0,
    )
    series = {
        **WANTED,
        **THERE,
        'there{app="c"}': "1x80",
        'updated{app="a"}': "3x80",
        'updated{app="b"}': "1x20 2x60",
        'updated{app="c"}': "0+1x80",
    }
    asked = critical("6m"), critical("12m", "b"), blind("15m")
    assert complaints(promtool, judged(measure, Above(0)), series, *asked) == ""


def test_a_gauge_counts_while_enough_members_are_there(promtool: str) -> None:
    measure = While(Gauge("lag"), condition=Count("member", where="> 0"), above=1)
    series = {"lag": "9x80", 'member{n="a"}': "1x80", 'member{n="b"}': "1x20 0x60"}
    asked = firing("3m", "ShopItCritical"), firing("10m"), blind("15m")
    assert complaints(promtool, judged(measure, Above(5)), series, *asked) == ""
