"""What is judged for each value of its labels: each by itself, beside all the others."""

from __future__ import annotations

import pytest
from handrail.declare import (
    Above,
    Ago,
    BeforeRollout,
    Below,
    Critical,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    PreviousStage,
    Rate,
    Ratio,
    Rise,
    SlowerThan,
    StableArm,
    Usage,
    While,
)
from handrail.declare.limits import Reference
from handrail.declare.measures import Measure

from .judged import IN_10, Asked, complaints, shop, value

UP = {'up{instance="a"}': "1x400"}
PATHS = ("/pay", "/search")


def each(measure: Measure, *limits: Above | Below) -> Guardrail:
    return Guardrail("g", measure, tiers=[Critical(limit) for limit in limits])


def fired(at: str, *paths: str) -> Asked:
    """The alert fires for exactly these paths; what is blind fires without one."""
    expr = 'count by (path) (ALERTS{alertstate="firing",guardrail!~"heartbeat|receiver"})'
    return Asked(expr, at, {f'{{path="{path}"}}' if path else "{}": 1 for path in paths})


def recorded(at: str, values: dict[str, float]) -> Asked:
    found = {f'{{guardrail="g", path="{path}", rollout="shop"}}': number for path, number in values.items()}
    return value(at, found)


def requests(path: str, *, good: str, bad: str, labels: str = "") -> dict[str, str]:
    own = f'instance="a",path="{path}"{labels}'
    return {f'requests_total{{{own},code="200"}}': good, f'requests_total{{{own},code="500"}}': bad}


def histogram(path: str, *, quick: str, all_of: str) -> dict[str, str]:
    own = f'instance="a",path="{path}"'
    return {
        f"seconds_count{{{own}}}": all_of,
        f'seconds_bucket{{{own},le="1"}}': quick,
        f'seconds_bucket{{{own},le="2"}}': all_of,
        f'seconds_bucket{{{own},le="+Inf"}}': all_of,
    }


ERRORS = Ratio("requests_total", bad='requests_total{code="500"}', by=["path"])
"""In a window of 5 m, that is 20 scrapes of 15 s, of at least 100 requests."""


def test_a_path_that_fails_is_not_hidden_by_one_with_more_traffic(promtool: str) -> None:
    """2 of 10 requests fail on one path and none of 1000 on the other: 0.2 % of all."""
    series = {
        **UP,
        **requests("/pay", good="0+8x400", bad="0+2x400"),
        **requests("/search", good="0+1000x400", bad="0x400"),
    }
    said = complaints(
        promtool,
        shop(each(ERRORS, Above("10%"))),
        series,
        recorded("20m", {"/pay": 0.2, "/search": 0}),
        fired("20m", "/pay"),
    )
    assert said == ""


def test_a_path_with_too_few_requests_is_not_judged_and_the_others_are(promtool: str) -> None:
    """4 requests from scrape to scrape are 80 in the window, and 5 are 100; 5 of each are bad."""
    series = {
        **UP,
        **requests("/pay", good="0+3.75x400", bad="0+0.25x400"),
        **requests("/search", good="0+4.75x400", bad="0+0.25x400"),
    }
    assert complaints(promtool, shop(each(ERRORS, Above("4%"))), series, fired("20m", "/search")) == ""


def test_a_path_with_too_few_requests_is_judged_by_itself_where_ten_of_them_are_bad(promtool: str) -> None:
    """Of 80 requests in the window 9 are bad on one path, and 10 on the other."""
    series = {
        **UP,
        **requests("/pay", good="0+3.55x400", bad="0+0.45x400"),
        **requests("/search", good="0+3.5x400", bad="0+0.5x400"),
    }
    assert complaints(promtool, shop(each(ERRORS, Above("4%"))), series, fired("20m", "/search")) == ""


def test_the_first_errors_of_a_path_count_whole_and_for_it_alone(promtool: str) -> None:
    """/pay serves 400 and fails 100 since it appeared 2 m ago, out of nothing; /search goes on as before."""
    series = {
        **UP,
        **requests("/search", good="0+10x400", bad="0x400"),
        **requests("/pay", good="_x300 400x100", bad="_x300 100x100"),
    }
    said = complaints(
        promtool,
        shop(each(ERRORS, Above("10%"))),
        series,
        recorded("77m", {"/pay": 0.2, "/search": 0}),
        fired("77m", "/pay"),
    )
    assert said == ""


@pytest.mark.parametrize(
    ("measure", "limit", "values"),
    [
        (Increase("seconds_count", by=["path"]), Above(300), {"/pay": 400, "/search": 200}),
        (
            Increase("seconds", slower_than="1s", buckets=[1, 2], by=["path"]),
            Above(90),
            {"/pay": 100, "/search": 0},
        ),
        (Rate("seconds_count", by=["path"]), Above("1/s"), {"/pay": 1.3333, "/search": 0.6667}),
        (Latency("seconds", p=90, buckets=[1, 2], by=["path"]), Above("1s"), {"/pay": 1.6, "/search": 0.9}),
        (
            SlowerThan("seconds", "1s", buckets=[1, 2], by=["path"]),
            Above("20%"),
            {"/pay": 0.25, "/search": 0},
        ),
    ],
    ids=["increase", "slow increase", "rate", "latency", "slower than"],
)
def test_each_path_has_its_own_value(
    promtool: str, measure: Measure, limit: Above, values: dict[str, float]
) -> None:
    """20 requests from scrape to scrape, 5 of them slow, on one path; 10, all quick, on the other."""
    series = {
        **UP,
        **histogram("/pay", quick="0+15x400", all_of="0+20x400"),
        **histogram("/search", quick="0+10x400", all_of="0+10x400"),
    }
    said = complaints(
        promtool, shop(each(measure, limit)), series, recorded("20m", values), fired("20m", "/pay")
    )
    assert said == ""


def test_a_path_that_goes_is_no_blindness_and_all_of_them_are(promtool: str) -> None:
    """/pay is gone after 10 m, with the alert it had; /search after 30 m."""
    series = {
        **UP,
        **requests("/pay", good="0+8x40 stale", bad="0+2x40 stale"),
        **requests("/search", good="0+10x120 stale", bad="0x120 stale"),
    }
    said = complaints(
        promtool,
        shop(each(ERRORS, Above("10%"))),
        series,
        fired("10m", "/pay"),
        fired("29m"),
        fired("45m", ""),
    )
    assert said == ""


def test_each_path_is_compared_with_the_same_path_of_the_stable_arm(promtool: str) -> None:
    """On /pay 20 % fail beside 10 %; on /search 30 % as always; on /new nobody knows what is usual."""
    rollout = shop(Guardrail("g", ERRORS, against=StableArm(), tiers=[Critical(Rise("50%"))]), arms=True)
    canary, stable = ',track="canary"', ',track="stable"'
    series = {
        **UP,
        **IN_10,
        **requests("/pay", good="0+8x400", bad="0+2x400", labels=canary),
        **requests("/pay", good="0+90x400", bad="0+10x400", labels=stable),
        **requests("/search", good="0+7x400", bad="0+3x400", labels=canary),
        **requests("/search", good="0+70x400", bad="0+30x400", labels=stable),
        **requests("/new", good="0+1x400", bad="0+9x400", labels=canary),
    }
    assert complaints(promtool, rollout, series, fired("20m", "/pay")) == ""


def test_where_no_path_of_the_stable_arm_is_the_same_nothing_is_compared_and_it_is_blind(
    promtool: str,
) -> None:
    rollout = shop(Guardrail("g", ERRORS, against=StableArm(), tiers=[Critical(Rise("50%"))]), arms=True)
    series = {
        **UP,
        **IN_10,
        **requests("/new", good="0+8x400", bad="0+2x400", labels=',track="canary"'),
        **requests("/old", good="0+90x400", bad="0+10x400", labels=',track="stable"'),
    }
    assert complaints(promtool, rollout, series, fired("20m", "")) == ""


def test_each_path_is_compared_with_itself_some_time_ago(promtool: str) -> None:
    """After an hour /pay fails 20 % of 10 instead of 10 %; /search 30 % as before; /new was not there."""
    rollout = shop(Guardrail("g", ERRORS, against=Ago("1h"), tiers=[Critical(Rise("50%"))]))
    series = {
        **UP,
        **requests("/pay", good="0+9x240 2168+8x160", bad="0+1x240 242+2x160"),
        **requests("/search", good="0+7x400", bad="0+3x400"),
        **requests("/new", good="_x240 0+1x160", bad="_x240 0+9x160"),
    }
    assert complaints(promtool, rollout, series, fired("75m", "/pay")) == ""


def test_a_path_that_was_not_there_some_time_ago_is_no_history_of_others(promtool: str) -> None:
    rollout = shop(Guardrail("g", ERRORS, against=Ago("1h"), tiers=[Critical(Rise("50%"))]))
    series = {
        **UP,
        **requests("/old", good="0+9x240 stale", bad="0+1x240 stale"),
        **requests("/new", good="_x240 0+9x160", bad="_x240 0+1x160"),
    }
    assert complaints(promtool, rollout, series, fired("75m", "")) == ""


@pytest.mark.parametrize("reference", ["before", "stage:10%"])
def test_each_path_is_compared_with_its_own_captured_figure(promtool: str, reference: str) -> None:
    """On /pay 20 % fail instead of 10 %; on /search 30 % as before; of /new nothing was captured."""
    against: Reference = BeforeRollout() if reference == "before" else PreviousStage()
    rollout = shop(Guardrail("g", ERRORS, against=against, tiers=[Critical(Rise("50%"))]))
    told = f'handrail_reference{{rollout="shop",guardrail="g",reference="{reference}",job="receiver",by_path='
    series = {
        **UP,
        'handrail_rollout_stage{rollout="shop",stage="10%"}': "0x400",
        'handrail_rollout_stage{rollout="shop",stage="100%"}': "1x400",
        **requests("/pay", good="0+8x400", bad="0+2x400"),
        **requests("/search", good="0+7x400", bad="0+3x400"),
        **requests("/new", good="0+1x400", bad="0+9x400"),
    }
    figures = {f'{told}"/pay"}}': "0.1x400", f'{told}"/search"}}': "0.3x400"}
    others = {f'{told}"/old"}}': "0.1x400"}
    missing = (
        f"the figure {'from before the rollout' if reference == 'before' else 'of stage 10%'} is missing"
    )
    assert complaints(promtool, rollout, series | figures, fired("20m", "/pay"), blind("20m")) == ""
    assert complaints(promtool, rollout, series | others, fired("20m", ""), blind("20m", missing)) == ""


@pytest.mark.parametrize("arms", [False, True])
def test_a_figure_is_captured_of_each_path_of_the_times_with_enough_events(promtool: str, arms: bool) -> None:
    """/pay fails 20 % of 10 from scrape to scrape; /search has too few requests ever to be judged."""
    track = ',track="stable"' if arms else ""
    rollout = shop(Guardrail("g", ERRORS, against=BeforeRollout(), tiers=[Critical(Rise("50%"))]), arms=arms)
    [captured] = rollout.playbook.guardrails[0].references
    series = {
        **UP,
        **requests("/pay", good="0+8x400", bad="0+2x400", labels=track),
        **requests("/search", good="0+1x400", bad="0+1x400", labels=track),
    }
    asked = Asked(f"round({captured.expr}, 0.01)", "60m", {'{by_path="/pay"}': 0.2})
    assert complaints(promtool, rollout, series, asked) == ""


def test_a_rate_that_is_young_on_one_path_is_no_drop_there(promtool: str) -> None:
    """/new is there for 2 m, so that its rate over 5 m reads 0.4/s instead of 1/s; on /pay it is 0.4/s indeed."""
    series = {
        **UP,
        'requests_total{instance="a",path="/pay"}': "0+6x400",
        'requests_total{instance="a",path="/search"}': "0+15x400",
        'requests_total{instance="a",path="/new"}': "_x72 0+15x400",
    }
    rollout = shop(each(Rate("requests_total", by=["path"]), Below("0.5/s")))
    assert complaints(promtool, rollout, series, fired("20m", "/pay")) == ""


LAG = Gauge("lag", by=["queue"])


def blind(at: str, *reasons: str) -> Asked:
    expr = 'count by (reason) (ALERTS{alertstate="firing",alertname=~".*Blind"})'
    return Asked(expr, at, {f'{{reason="{reason}"}}': 1 for reason in reasons})


def lagging(at: str, *queues: str) -> Asked:
    expr = 'count by (queue) (ALERTS{alertstate="firing",alertname="ShopGCritical"})'
    return Asked(expr, at, {f'{{queue="{queue}"}}': 1 for queue in queues})


QUEUES = {f'lag{{queue="{queue}"}}': "50x80" for queue in ("mails", "orders")}


def test_each_queue_is_judged_while_its_own_workers_work(promtool: str) -> None:
    rollout = shop(each(While(LAG, condition=Gauge("workers", by=["queue"])), Above(10)))
    series = {**QUEUES, 'workers{queue="mails"}': "0x80", 'workers{queue="orders"}': "3x40 0x40"}
    said = complaints(
        promtool, rollout, series, lagging("5m", "orders"), lagging("15m"), blind("5m"), blind("15m")
    )
    assert said == ""


def test_a_condition_without_labels_is_that_of_all_and_one_with_more_is_that_of_any(promtool: str) -> None:
    series = {
        **QUEUES,
        'workers{queue="mails",zone="a"}': "0x80",
        'workers{queue="mails",zone="b"}': "1x80",
        'workers{queue="orders",zone="a"}': "0x80",
    }
    of_all = shop(each(While(LAG, condition=Gauge("workers")), Above(10)))
    of_any = shop(each(While(LAG, condition=Gauge("workers", by=["queue", "zone"])), Above(10)))
    assert complaints(promtool, of_all, series, lagging("10m", "mails", "orders")) == ""
    assert complaints(promtool, of_any, series, lagging("10m", "mails")) == ""


def test_buckets_that_are_missing_are_missed_where_the_condition_holds_and_nowhere_else(
    promtool: str,
) -> None:
    """/pay lost its bucket at one second, and /search has all; only one of them is open at a time."""
    measure = While(
        SlowerThan("seconds", "1s", buckets=[1, 2], by=["path"]), condition=Gauge("open", by=["path"])
    )
    whole = histogram("/search", quick="0+10x200", all_of="0+10x200")
    lost = {
        name: values
        for name, values in histogram("/pay", quick="0+10x200", all_of="0+10x200").items()
        if 'le="1"' not in name
    }
    gates = {'open{path="/pay"}': "0x80 1x120", 'open{path="/search"}': "1x200"}
    rollout = shop(each(measure, Above("10%")))
    said = complaints(
        promtool,
        rollout,
        {**UP, **whole, **lost, **gates},
        blind("15m"),
        blind("40m", "its buckets are missing"),
    )
    assert said == ""


def test_a_usage_under_a_condition_misses_its_size(promtool: str) -> None:
    rollout = shop(
        each(While(Usage("in_use", "size", by=["pool"]), condition=Rate("work_total")), Above("80%"))
    )
    series = {'in_use{pool="a"}': "9x80", "work_total": "0+10x80"}
    sized = {**series, 'size{pool="a"}': "10x80"}
    assert complaints(promtool, rollout, sized, blind("15m")) == ""
    assert complaints(promtool, rollout, series, blind("15m", "its metrics are missing")) == ""
