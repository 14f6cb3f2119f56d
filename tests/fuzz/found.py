"""Declarations whose generated tests were once wrong: each stands for its kind."""

from __future__ import annotations

from typing import Any

from handrail import declare as d

from .declarations import ARMS, RUNBOOK, STAGES, UNDO
from .judges import Declared

HISTOGRAM = 'request_seconds{job="api"}'
IN_EU = '{zone=~"eu-.*"}'
WORK = d.Rate("work_total", window="2m")
PAIR = d.Difference('wanted{path="/pay"}', minus='there{path="/pay"}')


def _declared(measure: Any, tiers: list[Any], *, against: Any = None, **more: Any) -> Declared:
    guardrail = d.Guardrail("guard", measure, tiers=tiers, against=against, runbook=RUNBOOK)
    stages, both = more.pop("stages", STAGES[2]), [guardrail, *more.pop("others", ())]
    here = d.Environment("here", faster=more.pop("faster", 1))
    rollout = d.Rollout("shop", "shop", stages=stages, guardrails=both, rollback=[UNDO], **more)
    return rollout, here


FOUND = {
    "two measures need other buckets of one histogram": _declared(
        d.SlowerThan(HISTOGRAM, bound="2.5s", window="1h", min_events=1, buckets=(1, 2.5)),
        [
            d.Warning(
                d.Above("2%"),
                or_=[
                    d.On(
                        "beside",
                        d.Increase(HISTOGRAM, window="1m", slower_than="1s", buckets=[1]),
                        d.Above(0),
                    )
                ],
            )
        ],
    ),
    "an objective is evaluated as often as is scraped": _declared(
        d.Rate("jobs_total", window="5m"),
        [d.Warning(d.Above("3/s"))],
        slos=[
            d.Slo(
                "good",
                d.Ratio("requests_total", bad='requests_total{code=~"5.."}', window="10m", min_events=100),
                objective="99%",
                window="30d",
                runbook=RUNBOOK,
            )
        ],
        scrape="30s",
        evaluate="30s",
    ),
    "the fullest of several, each of several gauges": _declared(
        d.Usage(
            ["used_bytes{pool=~'a|b'}", "lent_bytes"], ["size_bytes", "spare_bytes"], over="max", by=("pool",)
        ),
        [d.Warning(d.Above("80%"))],
    ),
    "a rate that dropped since some time ago must be old enough now": _declared(
        d.Rate('jobs_total{job="api"}', window="5m", by=("zone",)),
        [d.Critical(d.Drop("20%"))],
        against=d.Ago("1d"),
    ),
    "another job is one of its own": _declared(
        d.Ratio('calls_total{job!="x"}', good='calls_total{job!="x",code=~"2.."}', window="5m"),
        [d.Warning(d.Below("99%"))],
    ),
    "two measures share a condition": _declared(
        d.While(d.Growth("queue_depth", window="15m", by=("queue",)), condition=WORK, above=0),
        [
            d.Warning(
                d.AtLeast(10),
                sustained="5m",
                or_=[
                    d.On(
                        "beside",
                        d.While(d.Increase("denied_total", window="10m"), condition=WORK, above="2/s"),
                        d.Above(3),
                    )
                ],
            )
        ],
    ),
    "a condition looks at less of the past than its measure": _declared(
        d.While(d.Growth("queue_depth", window="1h", by=("queue",)), condition=WORK, at_most="3/s"),
        [d.Warning(d.AtLeast(11), sustained="2m")],
        scrape="7s",
    ),
    "a past is as short as the step of a test": _declared(
        d.Ratio("requests_total", bad='requests_total{code=~"5.."}', window="5m", min_events=20),
        [d.Warning(d.RisePoints("10%"))],
        against=d.Ago("1h"),
        evaluate="2m",
    ),
    "what has no condition looks at the series of what has one": _declared(
        d.Gauge("queue_depth", over="min", window="1h"),
        [
            d.Warning(
                d.AtLeast(1),
                or_=[
                    d.On(
                        "beside",
                        d.While(
                            d.Gauge("queue_depth", over="avg", window="5m"), condition=WORK, at_most="3/s"
                        ),
                        d.AtLeast(20),
                    )
                ],
            )
        ],
    ),
    "a quantile of one event in ten minutes is told to four digits": _declared(
        d.Latency("request_seconds", p=90, min_events=1, window="10m", buckets=(0.1, 0.25, 0.5)),
        [d.Warning(d.AtLeast("220ms"))],
    ),
    "a quantile lies near the top": _declared(
        d.Latency(HISTOGRAM, p=99.9, window="1h", min_events=1),
        [d.Warning(d.Above("500ms"), sustained="5m"), d.Critical(d.AtLeast("1050ms"), sustained="5m")],
    ),
    "buckets were gone for longer than a counter is remembered": _declared(
        d.SlowerThan(HISTOGRAM, bound="100ms", window="1h", min_events=1, buckets=(0.1,)),
        [d.Critical(d.Above("1%"), sustained="45s")],
        evaluate="2m",
    ),
    "beside a past another measure looks at the same histogram": _declared(
        d.SlowerThan(HISTOGRAM, bound="100ms", window="2m", min_events=100, buckets=(0.1,)),
        [
            d.Warning(
                d.RisePoints("10%"),
                keep_firing_for="20m",
                or_=[
                    d.On(
                        "beside",
                        d.SlowerThan(
                            "request_seconds", bound="1s", window="10m", min_events=100, buckets=(1,)
                        ),
                        d.AtLeast("0.5%"),
                    )
                ],
            )
        ],
        against=d.Ago("1h"),
        evaluate="2m",
    ),
    "what counts in a window is scraped more seldom for another's longer one": _declared(
        d.Increase(HISTOGRAM, window="5m", slower_than="1s", buckets=[1]),
        [
            d.Critical(
                d.Above(6),
                sustained="30s",
                or_=[d.On("beside", d.Gauge("queue_depth", over="min", window="1h"), d.Below(33.3))],
            )
        ],
        scrape="10s",
        evaluate="2m",
    ),
    "a count is as near to the limit of another tier": _declared(
        d.Increase("denied_total", window="7m30s"),
        [d.Warning(d.Rise("10%")), d.Critical(d.Rise("20%")), d.Emergency(d.Rise("30%"))],
        against=d.BeforeRollout(),
        scrape="20s",
        evaluate="2m",
    ),
    "a past that has just begun is less than what follows": _declared(
        d.Increase("denied_total", window="5m"),
        [d.Warning(d.Rise("10%"), sustained="30s", keep_firing_for="20m")],
        against=d.Ago("1h"),
        scrape="1m",
        evaluate="2m",
    ),
    "what all versions did some time ago is not what one of them does": _declared(
        d.Usage("pool_in_use", 50, over="sum", by=("pool",)),
        [d.Warning(d.Rise("10%"))],
        against=d.Ago("1h"),
        arms=d.Arms("version"),
    ),
    "an instance of which one of two series is no number is not missing the other": _declared(
        d.Difference("workers_wanted", "workers_ready", by=("instance",)),
        [d.Warning(d.Above(0), sustained="5m")],
    ),
    "what happens at once is not less where few are the breach": _declared(
        d.Increase('written_total{kind="data"}', window="10m", by=("cluster",)),
        [d.Warning(d.Below(1))],
    ),
    "slices of time are good or bad, by the calendar month": _declared(
        d.Rate("jobs_total", window="5m"),
        [d.Warning(d.Above("3/s"))],
        slos=[
            d.Slo(
                "fast",
                d.TimeSlices(
                    d.Latency("request_seconds", 95, window="1m", buckets=[0.1, 0.3, 1]),
                    good=d.Below("300ms"),
                ),
                objective="99.5%",
                window="month",
                runbook=RUNBOOK,
            )
        ],
    ),
    "targets are counted, and no others than those that are fed": _declared(
        d.Count("up", where="== 1"), [d.Warning(d.Below(3)), d.Critical(d.AtMost(1))]
    ),
    "what says that something is there is among what is counted": _declared(
        d.Count("up", where="<= 0", presence='up{job="registry"}'), [d.Warning(d.Above(1))]
    ),
    "a condition that fails has fewer series than one that holds": _declared(
        d.While(
            d.TimeUntil("end_timestamp_seconds", by=("path",)),
            condition=d.Count("members", by=("path",)),
            above=2,
        ),
        [d.Warning(d.Below("1h"))],
    ),
    "an instance more has a pair": _declared(
        d.Difference("wanted", minus="there", by=("instance",)), [d.Warning(d.Above(0))]
    ),
    "another measure breaks the pairs of a difference": _declared(
        d.Difference("wanted", minus="there", by=("instance",)),
        [
            d.Warning(
                d.AtLeast(20),
                or_=[
                    d.On(
                        "beside",
                        d.Difference('wanted{job="api"}', minus='wanted{state="there"}', by=("zone",)),
                        d.Above(0),
                    )
                ],
            )
        ],
    ),
    "another guardrail breaks the pairs of a difference": _declared(
        d.Difference(f"wanted{IN_EU}", minus="there", by=("place",)),
        [d.Warning(d.AtLeast(33))],
        others=[d.Guardrail("b", PAIR, tiers=[d.Warning(d.Above(1))], runbook=RUNBOOK)],
    ),
    "two counts look at the same series": _declared(
        d.Count("members", where="== 1"),
        [
            d.Warning(
                d.AtLeast(2),
                or_=[
                    d.On(
                        "beside",
                        d.Count('members{job="api"}', where="== 1", distinct="version"),
                        d.Below(3),
                    )
                ],
            )
        ],
    ),
    "one of a ratio's counters is looked for in some zones alone": _declared(
        d.Ratio(
            ['requests_total{path!~"/health|/ready"}', "more_total"],
            bad=[f"failures_total{IN_EU}", "more_failures_total"],
            window="10m",
            by=("zone", "path"),
            min_events=1,
        ),
        [d.Warning(d.AtLeast("0.1%"), sustained="2m"), d.Critical(d.Above("0.2%"))],
        arms=ARMS[0],
        scrape="1m",
        evaluate="15s",
    ),
    "one of a usage's gauges is looked for in some zones alone, another for some paths": _declared(
        d.Usage(
            [f"pool_in_use{IN_EU}", "more_in_use"],
            ["pool_size", 'more_places{path="/pay"}'],
            by=("zone", "path"),
        ),
        [d.Warning(d.Above("20%"))],
    ),
    "each series of a usage has its own size, and one is looked for in some zones alone": _declared(
        d.Usage([f"pool_in_use{IN_EU}", "more_in_use"], "pool_size", over="max"), [d.Warning(d.Above("20%"))]
    ),
    "no series has the size of another": _declared(
        d.Usage('pool_in_use{kind="a"}', 'pool_size{kind="b"}', over="max"), [d.Warning(d.Above("20%"))]
    ),
    "a condition is looked for in some zones alone": _declared(
        d.While(d.Rate("jobs_total", by=("zone",)), condition=d.Rate(f"work_total{IN_EU}", by=("zone",))),
        [d.Warning(d.Above("3/s"))],
    ),
    "the gauges of a condition are judged by a label that its measure has not": _declared(
        d.While(
            d.Rate("jobs_total"),
            condition=d.Usage([f"pool_in_use{IN_EU}", "more_in_use"], "pool_size", by=("zone",)),
            above="20%",
        ),
        [d.Warning(d.Above("3/s"))],
    ),
    "what is compared with before the rollout is looked for in some zones alone": _declared(
        d.Ratio("requests_total", bad=f"failures_total{IN_EU}", window="5m", by=("zone",), min_events=20),
        [d.Warning(d.RisePoints("10%"))],
        against=d.BeforeRollout(),
    ),
    "what was counted when a window begins is in the window of the older promtool": _declared(
        d.Count("members", presence='up{job="registry"}', window="10m"),
        [d.Warning(d.AtLeast(4.5)), d.Critical(d.Above(9))],
    ),
    "bad events of a window that scrapes do not divide are enough events in the next one": _declared(
        d.Ratio("requests_total", bad='requests_total{code=~"5.."}', window="90s", min_events=100),
        [d.Warning(d.Above("20%")), d.Critical(d.AtLeast("80%"))],
        scrape="20s",
        evaluate="30s",
    ),
    "no series has the label by which it is judged": _declared(
        d.Rate('jobs_total{zone=""}', by=("zone",)), [d.Warning(d.Above("3/s"))]
    ),
    "no group has all that a share is made of": _declared(
        d.Ratio('requests_total{zone="a"}', bad='failures_total{zone="b"}', by=("zone",), min_events=20),
        [d.Warning(d.Above("10%"))],
    ),
    "a measure finds in breach what is healthy by another, which looks at fewer zones": _declared(
        d.Latency(f"request_milliseconds{IN_EU}", p=50, unit="ms", by=("zone",)),
        [
            d.Critical(
                d.AtLeast("990ms"),
                or_=[
                    d.On(
                        "beside",
                        d.Latency("request_milliseconds", p=99.9, window="10m", unit="ms", by=("zone",)),
                        d.Above("450ms"),
                    )
                ],
            )
        ],
    ),
    "another measure of an alert finds in breach what is healthy by the first": _declared(
        d.Ratio("requests_total", bad=f"failures_total{IN_EU}", window="5m", by=("zone",), min_events=20),
        [
            d.Warning(
                d.Above("10%"),
                or_=[
                    d.On(
                        "beside",
                        d.Increase('failures_total{zone="eu-1"}', window="5m", by=("zone",)),
                        d.Above(3),
                    )
                ],
            )
        ],
    ),
    "a forecast is compared with what was forecast some time ago": _declared(
        d.Forecast("space_left", window="2m", ahead="10m", over="sum", unit="percent"),
        [d.Warning(d.DropPoints("10%"))],
        against=d.Ago("1h"),
    ),
    "a measure that cannot be shown stands beside one that looks back on its own counter": _declared(
        d.Rate("jobs_total", window="1m"),
        [
            d.Warning(
                d.Below("3/s"),
                or_=[d.On("beside", d.Latency("request_seconds", p=95, native=True), d.Above("1s"))],
            )
        ],
    ),
    "who counts within a window is told apart by the arms' versions as well": _declared(
        d.Count("seen", distinct="user", presence="reporter_up", window="10m", by=("path",)),
        [d.Warning(d.AtLeast(4.5), sustained="5m")],
        arms=d.Arms("version"),
    ),
    "a share is so small that it cannot drop by so many points": _declared(
        d.Ratio("requests_total", good='requests_total{code=~"2.."}', window="5m", min_events=20),
        [d.Warning(d.DropPoints("10%"))],
        against=d.Ago("1h"),
    ),
    "a stage allows more points than a share of another stage has to drop": _declared(
        d.Ratio("requests_total", good='requests_total{code=~"2.."}', window="5m", min_events=20),
        [
            d.Warning(d.DropPoints({"10%": "10%", "50%": "60%", "100%": "60%"})),
            d.Critical(d.Drop({"10%": None, "50%": "70%", "100%": "70%"})),
        ],
        against=d.Ago("1h"),
        stages=STAGES[3][1:],
    ),
    "the receiver says which versions it judges at the first of evaluations that are a day apart": _declared(
        d.Forecast("space_left_bytes", window="6h", ahead="24h"),
        [d.Warning(d.AtLeast(20), sustained="2m")],
        arms=d.Arms("version"),
    ),
    "a window that holds a whole number of scrapes only where these are no whole milliseconds": _declared(
        d.Ratio("calls_total", good='calls_total{code=~"2.."}', window="7m30s", min_events=100),
        [d.Warning(d.Drop("10%"), sustained="2m")],
        against=d.Ago("1h"),
        scrape="10s",
        evaluate="50s",
        faster=60,
    ),
    "an alert that fires of itself beside one that can be fed": _declared(
        d.PromQL("sum(jobs) or vector(0)", unit="number"),
        [d.Warning(d.AtMost(3), or_=[d.On("beside", d.Changes("started", window="1h"), d.Above(1))])],
    ),
}
