"""Whatever labels the service's series carry, no rule fails when Prometheus evaluates it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from typing import get_args

import pytest
from handrail.contract import names
from handrail.declare import (
    Above,
    Absence,
    Age,
    Ago,
    Arms,
    BeforeRollout,
    Below,
    Changed,
    Changes,
    Command,
    Count,
    Critical,
    Difference,
    Drop,
    DropPoints,
    Environment,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Is,
    Latency,
    On,
    PreviousStage,
    PromQL,
    Rate,
    Ratio,
    Rise,
    RisePoints,
    Rollout,
    SlowerThan,
    StableArm,
    Stage,
    State,
    TimeUntil,
    Usage,
    Warning,
    While,
)
from handrail.declare.limits import Reference
from handrail.declare.measures import Measure
from handrail.lower import lower
from handrail.plan import Rollout as Planned

from .judged import Asked, complaints

STAGED = {"10%": 1, "100%": 2}
GAUGE, BY = Gauge("level"), Gauge("level", by=["queue"])
MEASURES: dict[str, Measure] = {
    "ratio": Ratio(bad='requests_total{status="500"}', of="requests_total", min_events=1),
    "good": Ratio(good='requests_total{status="200"}', of="requests_total", min_events=1),
    "latency": Latency("seconds", p=95, buckets=[1, 5], min_events=1),
    "slower": SlowerThan("seconds", "1s", buckets=[1, 5], min_events=1),
    "increase": Increase("requests_total"),
    "slow increase": Increase("seconds", slower_than="1s", buckets=[1, 5]),
    "rate": Rate("requests_total"),
    "gauge": GAUGE,
    "gauge by": BY,
    "gauge sum over time by": Gauge("level", over="sum", window="5m", by=["queue"]),
    "usage": Usage("level", "size"),
    "usage by": Usage("level", "size", over="max", by=["queue"]),
    "growth by": Growth("level", window="5m", by=["queue"]),
    "ratio by": Ratio(
        bad='requests_total{status="500"}', of="requests_total", min_events=1, by=["queue", "instance"]
    ),
    "latency by": Latency("seconds", p=95, buckets=[1, 5], min_events=1, by=["queue"]),
    "slower by": SlowerThan("seconds", "1s", buckets=[1, 5], min_events=1, by=["queue"]),
    "increase by": Increase("requests_total", by=["queue"]),
    "slow increase by": Increase("seconds", slower_than="1s", buckets=[1, 5], by=["queue"]),
    "rate by": Rate("requests_total", by=["queue"]),
    "while ratio by": While(
        Ratio(bad='requests_total{status="500"}', of="requests_total", min_events=1, by=["queue"]),
        condition=Rate("requests_total", by=["queue", "instance"]),
    ),
    "while ratio": While(
        Ratio(bad='requests_total{status="500"}', of="requests_total", min_events=1),
        condition=Rate("requests_total"),
    ),
    "while gauge by": While(BY, condition=Gauge("level"), above=1),
    "difference by": Difference("level", minus="size", by=["queue"]),
    "differ": Difference("level", minus="size", absolute=True),
    "age by": Age("level", by=["queue"]),
    "until": TimeUntil("level", zero="left out"),
    "count by": Count("level", presence="size", by=["queue"]),
    "count": Count("level", where="> 1"),
    "distinct by": Count("level", distinct="instance", where="> 1", by=["queue"]),
    "forecast by": Forecast("level", window="5m", over="sum", by=["queue"]),
    "changes by": Changes("level", window="5m", over="avg", by=["queue"]),
    "while count by": While(
        Difference("level", minus="size", by=["queue"]), condition=Count("level", by=["queue"]), above=0
    ),
    "absence": Absence("nothing"),
    "free": PromQL("level"),
    "free by": PromQL("sum by (queue, service, tier) (level)"),
    "free number": PromQL("scalar(sum(level)) * 2"),
}
STATE = State("breaker", "state")
COMPARABLE = [name for name in MEASURES if name not in {"absence", "free", "free by", "free number"}]
ARMS = Arms("track", canary="canary", stable="stable")


def test_every_measure_is_tried() -> None:
    assert {type(one) for one in (*MEASURES.values(), STATE)} == set(get_args(Measure))


def planned(guardrails: list[Guardrail], *, arms: bool) -> Planned:
    declared = Rollout(
        "shop",
        "shop",
        arms=ARMS if arms else None,
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=guardrails,
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    (one,) = lower([declared], Environment("test")).rollouts
    return one


def guardrails() -> Iterator[Guardrail]:
    number = count()
    for measure in MEASURES.values():
        yield Guardrail(
            f"g{next(number)}", measure, tiers=[Warning(Above(0)), Critical(Below(9), sustained="1m")]
        )
        staged: list[Warning | Critical] = [
            Warning(Above(STAGED, otherwise=3)),
            Critical(Below(STAGED), sustained="1m"),
        ]
        yield Guardrail(f"g{next(number)}", measure, tiers=staged)
    references: list[Reference] = [StableArm(), BeforeRollout(), PreviousStage(), Ago("5m")]
    limits: list[list[Rise | RisePoints | Drop | DropPoints]] = [
        [Rise("1%"), Drop({"100%": "5%"})],
        [RisePoints("1%"), DropPoints("1%")],
    ]
    for name, against, (one, other) in product(COMPARABLE, references, limits):
        shares = {"ratio", "good", "slower", "usage"}
        points = isinstance(one, RisePoints) and name.removesuffix(" by") not in shares
        if points:
            continue
        tiers: list[Warning | Critical] = [Warning(one), Critical(other, sustained="1m")]
        yield Guardrail(f"g{next(number)}", MEASURES[name], against=against, tiers=tiers)
    for name in ("free", "free by"):
        yield Guardrail(f"g{next(number)}", MEASURES[name], against=Ago("5m"), tiers=[Warning(Rise("1%"))])
    yield Guardrail(f"g{next(number)}", STATE, tiers=[Warning(Is("open")), Critical(Changed(window="5m"))])
    either = [On("size", GAUGE, Above(1)), On("slow", MEASURES["slower"], Rise("1%"), against=StableArm())]
    yield Guardrail(f"g{next(number)}", MEASURES["ratio"], tiers=[Critical(Above(0), or_=either)])


def everything(guardrails: list[Guardrail]) -> dict[str, str]:
    """Two instances of each arm, with every label that alerts set themselves, and two values of each."""
    found = {'up{job="shop",instance="a"}': "1x60", 'up{job="shop",instance="b"}': "1x60"}
    found['handrail_rollout_stage{rollout="shop",stage="10%"}'] = "0x60"
    found['handrail_rollout_stage{rollout="shop",stage="100%"}'] = "1x60"
    for guardrail, reference in product(guardrails, ("before", "stage:10%")):
        labels = f'rollout="shop",guardrail="{guardrail.name}",reference="{reference}"'
        for queue, instance in product(("x", "y"), ("a", "b")):
            by = f'by_queue="{queue}",by_instance="{instance}"'
            found[f"handrail_reference{{{labels},{by}}}"] = "0.1x60"
    theirs = [name for name in names.OURS if name not in {"alertname", "alertstate"}]
    for track, instance, queue in product(("canary", "stable"), ("a", "b"), ("x", "y")):
        ours = ",".join(f'{name}="{instance}{queue}"' for name in (*theirs, "namespace", "pod"))
        labels = f'track="{track}",instance="{instance}",queue="{queue}",{ours}'
        found[f'requests_total{{{labels},status="500"}}'] = "0+20x60"
        found[f'requests_total{{{labels},status="200"}}'] = "0+20x60"
        found[f"seconds_count{{{labels}}}"] = "0+30x60"
        for le, values in (("1", "0+10x60"), ("5", "0+20x60"), ("+Inf", "0+30x60")):
            found[f'seconds_bucket{{{labels},le="{le}"}}'] = values
        found[f"level{{{labels}}}"] = "1+1x60"
        found[f"size{{{labels}}}"] = "100x60"
        found[f'breaker{{{labels},state="open"}}'] = "1x30 0x30"
    return found


@pytest.mark.parametrize("arms", [False, True], ids=["whole", "arms"])
def test_no_rule_fails_whatever_labels_series_carry(promtool: str, arms: bool) -> None:
    chosen = [one for one in guardrails() if arms or not _compares(one)]
    later = Asked("vector(1)", "12m", {"{}": 1})
    rollout = planned(chosen, arms=arms)
    said = complaints(promtool, rollout, everything(chosen), later, every="12m", all_rules=True)
    assert said == ""


def _compares(guardrail: Guardrail) -> bool:
    against = [guardrail.against, *(other.against for tier in guardrail.tiers for other in tier.or_)]
    return any(isinstance(one, StableArm) for one in against)
