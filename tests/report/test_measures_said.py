"""Measures → the sentences in which runbooks and dashboards say them."""

from __future__ import annotations

from typing import get_args

import pytest
from handrail.declare import (
    Above,
    Absence,
    Age,
    Below,
    Changes,
    Count,
    Critical,
    Difference,
    Environment,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    While,
)
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.lower import lower
from handrail.report.wording import limits, meaning


def said(measure: Measure, limit: Limit) -> tuple[str, str]:
    """What is measured, and the limit."""
    guardrail = Guardrail("it", measure, tiers=[Critical(limit)])
    [planned] = lower([Rollout("shop", "shop", guardrails=[guardrail])], Environment("here")).rollouts
    [one] = planned.guardrails
    return meaning(one.signals[0].measure), limits(one.alerts[0])


SENTENCES: list[tuple[Measure, Limit, str, str]] = [
    (
        Ratio("all_total", bad="bad_total", by=["path"]),
        Above("1%"),
        (
            "The share of `bad_total` in `all_total` over 5m, for each `path`. With fewer than 100 events in that time "
            "that `path` is not judged."
        ),
        "above 1 %",
    ),
    (
        Latency("seconds", p=95),
        Above("300ms"),
        "The 95th percentile of `seconds` over 5m. With fewer than 100 events in that time it is not judged.",
        "above 300 ms",
    ),
    (
        SlowerThan("seconds", "1s", buckets=[1]),
        Above("5%"),
        "The share of `seconds` slower than 1 s over 5m. With fewer than 100 events in that time it is not judged.",
        "above 5 %",
    ),
    (
        Increase(["a_total", "b_total"]),
        Above(0),
        "How many events `a_total` and `b_total` counted in 5m; a series that first appears above zero counts in full.",
        "above 0",
    ),
    (
        Rate("a_total", by=["path"]),
        Below("10/min"),
        "Events of `a_total` per second over 5m, for each `path`.",
        "below 10/min",
    ),
    (Gauge("depth", unit="bytes"), Above("1GB"), "The highest `depth`.", "above 1 GB"),
    (Gauge("depth", over="min", window="10m"), Below(5), "The lowest `depth` within 10m.", "below 5"),
    (Usage("used", "size"), Above("90%"), "How much of `size` is in use by `used`.", "above 90 %"),
    (State("breaker"), Is("open"), "The `state` that `breaker` is in.", "in state open"),
    (Growth("depth", unit="bytes"), Above("1GB"), "By how much `depth` grew in 1h.", "above 1 GB"),
    (Absence("heartbeat"), Above(0), "Whether `heartbeat` was not seen for 5m.", "above 0"),
    (PromQL("sum(x)", unit="seconds"), Above("5s"), "The expression `sum(x)`.", "above 5 s"),
    (
        Difference("wanted", minus="there", by=["app"]),
        Above(0),
        "By how much the sum of `wanted` is more than the sum of `there`, for each `app`.",
        "above 0",
    ),
    (
        Difference("a", minus="b", over="max", absolute=True, unit="bytes"),
        Above("1GB"),
        "By how much the highest `a` and the highest `b` differ.",
        "above 1 GB",
    ),
    (
        Age("stamp", by=["job"]),
        Above("26h"),
        "How long it is since the oldest time that `stamp` tells, for each `job`. A time of 0 is long ago.",
        "above 1d2h",
    ),
    (
        TimeUntil("end", zero="left out"),
        Below("14d"),
        "How long it is until the next time that `end` tells. A time of 0 does not count.",
        "below 14d",
    ),
    (
        Count("up", where="== 0", by=["job"]),
        Above(2),
        "How many series of `up` are == 0, for each `job`. No series at all is no data.",
        "above 2",
    ),
    (
        Count("broker", presence="up"),
        Below(3),
        "How many series of `broker` there are. No series at all is 0 while `up` is there.",
        "below 3",
    ),
    (
        Count("build", distinct="version", where="> 0"),
        Above(1),
        'How many values of `version` there are in `build{version!=""}` where it is > 0. No series at all is no data.',
        "above 1",
    ),
    (
        Forecast("free", unit="bytes", by=["disk"]),
        Below(0),
        "The lowest `free` in 1d if it goes on as in the last 6h, for each `disk`.",
        "below 0 B",
    ),
    (
        Changes("started", over="sum"),
        Above(3),
        "How often `started` changed in 15m, all series together.",
        "above 3",
    ),
    (
        While(
            Difference("wanted", minus="there", by=["app"]),
            condition=Changes("updated", window="10m", resets=True, by=["app"]),
            at_most=0,
        ),
        Above(0),
        (
            "By how much the sum of `wanted` is more than the sum of `there`, for each `app`. Only while this is at or "
            "below 0: how often `updated` fell in 10m, of the series with the most, of the same `app`."
        ),
        "above 0",
    ),
]


def test_every_measure_is_said_here() -> None:
    assert {type(measure) for measure, *_ in SENTENCES} == set(get_args(Measure))


@pytest.mark.parametrize(("measure", "limit", "sentence", "words"), SENTENCES)
def test_a_measure_is_a_sentence_and_its_limit_is_in_its_unit(
    measure: Measure, limit: Limit, sentence: str, words: str
) -> None:
    assert said(measure, limit) == (sentence, words)
