"""Every criterion of every gate of the five rollouts → a healthy service meets it in its stage, and a sick one does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import pytest
from handrail.contract import Criterion
from handrail.plan import Condition, Guardrail, Latency, Ratio, SlowerThan, Success
from own_rollouts import own_plan

from .simulated import DAY, OPS, Service, bounds_of, many, quantile

TRIALS = 200
NEARLY_ALL = 0.98
FIVE = ("aidin-hardening", "mem0-redis", "aurigraph-v12", "relay-r1", "ruleiq")
OTHERWISE = {
    ("aurigraph-v12", "sample-ratio"): "its bound on chance is its own: tests/rules/test_sample_ratio.py"
}


@dataclass(frozen=True)
class Events:
    """What a service does in the stage, and what it did in the time that it is compared with."""

    now: Service
    before: Service | None = None


@dataclass(frozen=True)
class Level:
    """What is there all the time, and what it is compared with."""

    value: float
    before: float = 0


@dataclass(frozen=True)
class Demand:
    """What is asked of a service at noon, a second, of which a part is left at midnight, and the most that it can serve."""

    noon: float
    capacity: float
    night: float = 0.2

    def share_and_worst(self, over: float) -> tuple[float, float]:
        """In which share of the looks the baseline is asked for, and the least that is served then."""
        service = Service(1, night=self.night)
        looks = [service.rate(DAY / 2 - over / 2 + look * 300) for look in range(int(over / 300))]
        asked = [self.noon * rate / service.rate(DAY / 2) for rate in looks]
        served = [min(one, self.capacity) for one in asked if one > 776_000]
        return len(served) / len(asked), min(served, default=math.inf)


Case = Events | Level | Demand


@dataclass(frozen=True)
class Told:
    """A healthy case, and for each criterion, by how its words begin, a sick one."""

    healthy: Case
    sick: Mapping[str, Case]


def compared(daily: float, well: Service, sick: Mapping[str, Service]) -> Told:
    """The same of a service that is compared with its own day before."""
    now = _as_many(well, daily)
    return Told(Events(now, now), {name: Events(_as_many(one, daily), now) for name, one in sick.items()})


def _as_many(service: Service, daily: float) -> Service:
    return Service(daily, service.night, service.bad, service.median, service.p95)


PAGE, SLOWER = Service(1, median=0.12, p95=0.5), Service(1, median=0.15, p95=0.65)
CLINIC, SLOW_CLINIC = Service(12_000, median=0.3, p95=0.85), Service(12_000, median=0.6, p95=2.4)
GREEN = Service(77_600 * DAY, bad=0.0005, median=0.04, p95=0.12)
RED = Service(77_600 * DAY, bad=0.002, median=0.1, p95=0.4)
RELAY = Service(60 * 24 * 20, bad=0.001, median=0.4, p95=1.2)
"""Twenty streams a minute: 1200 in its hour."""
NONE, ONE = Level(0), Level(1)

CASES: Mapping[tuple[str, str], Told] = {
    ("aidin-hardening", "db-errors"): Told(NONE, {"at or below": ONE}),
    ("aidin-hardening", "audit-trail"): Told(
        Events(Service(300, bad=0.9)), {"above": Events(Service(300, bad=1))}
    ),
    ("aidin-hardening", "daily-5xx"): compared(
        12_000,
        Service(1, bad=0.001),
        {"below": Service(1, bad=0.008), "not above": Service(1, bad=0.005)},
    ),
    ("aidin-hardening", "daily-p95"): compared(12_000, PAGE, {"not above": SLOWER}),
    ("aidin-hardening", "daily-403"): compared(
        12_000, Service(1, bad=0.003), {"below": Service(1, bad=0.013), "not above": Service(1, bad=0.012)}
    ),
    ("aidin-hardening", "daily-users"): Told(Level(960, before=1000), {"not below": Level(890, before=1000)}),
    ("aidin-hardening", "table-size"): Told(Level(260e6), {"at or below": Level(1.2e9)}),
    ("mem0-redis", "latency-p50"): Told(Events(CLINIC), {"below": Events(SLOW_CLINIC)}),
    ("mem0-redis", "latency-p95"): Told(Events(CLINIC), {"below": Events(SLOW_CLINIC)}),
    ("mem0-redis", "latency-p99"): Told(Events(CLINIC), {"below": Events(SLOW_CLINIC)}),
    ("mem0-redis", "daily-errors"): compared(
        12_000,
        Service(1, bad=0.004),
        {"below": Service(1, bad=0.013), "not above": Service(1, bad=0.013)},
    ),
    ("mem0-redis", "stage-errors"): compared(
        12_000, Service(1, bad=0.004), {"not above": Service(1, bad=0.013)}
    ),
    ("mem0-redis", "stage-latency"): compared(12_000, CLINIC, {"not above": SLOW_CLINIC}),
    ("mem0-redis", "stage-latency-p95"): compared(12_000, CLINIC, {"not above": SLOW_CLINIC}),
    ("mem0-redis", "cache-hit"): Told(
        Events(Service(5_000, bad=0.03)), {"above": Events(Service(5_000, bad=0.08))}
    ),
    ("mem0-redis", "mem0-writes"): Told(
        Events(Service(3_000, bad=0.004)), {"above": Events(Service(3_000, bad=0.02))}
    ),
    ("mem0-redis", "circuit-breaker"): Told(Level(1), {"in state": Level(0)}),
    ("mem0-redis", "breaker-changes"): Told(NONE, {"at or below": ONE}),
    ("mem0-redis", "slow-writes"): Told(NONE, {"below": ONE}),
    ("mem0-redis", "redis-memory"): Told(Level(0.6), {"below": Level(0.85)}),
    ("mem0-redis", "redis-evictions"): Told(NONE, {"at or below": ONE}),
    ("mem0-redis", "redis-load"): Told(
        Level(300, before=250), {"below": Level(1_200, before=1_000), "not above": Level(600, before=250)}
    ),
    ("mem0-redis", "redis-clients"): Told(
        Level(12, before=11),
        {
            "at or above": Level(3, before=11),
            "at or below": Level(25, before=15),
            "not above": Level(15, before=7),
        },
    ),
    ("mem0-redis", "redis-commands"): Told(Level(900), {"above": Level(0)}),
    ("aurigraph-v12", "throughput"): Told(
        Demand(noon=850_000, capacity=1_200_000), {"not below": Demand(noon=850_000, capacity=700_000)}
    ),
    ("aurigraph-v12", "error-rate"): Told(Events(GREEN), {"below": Events(RED)}),
    ("aurigraph-v12", "success-rate"): Told(Events(GREEN), {"above": Events(RED)}),
    ("aurigraph-v12", "latency-p95"): Told(Events(GREEN), {"below": Events(RED)}),
    ("aurigraph-v12", "latency-p99"): Told(Events(GREEN), {"below": Events(RED)}),
    ("relay-r1", "ttfv-p95"): Told(
        Events(RELAY), {"below": Events(Service(RELAY.daily, median=0.8, p95=2.2))}
    ),
    ("relay-r1", "sse-success"): Told(Events(RELAY), {"at or above": Events(Service(RELAY.daily, bad=0.02))}),
    ("relay-r1", "ann-p95"): Told(
        Events(Service(RELAY.daily, median=0.05, p95=0.13)),
        {"below": Events(Service(RELAY.daily, median=0.1, p95=0.4))},
    ),
    ("relay-r1", "rls-errors"): Told(NONE, {"at or below": ONE}),
    ("relay-r1", "cross-tenant"): Told(NONE, {"at or below": ONE}),
    ("relay-r1", "db-pool"): Told(Level(0.5), {"below": Level(0.9)}),
}


@dataclass(frozen=True)
class Asked:
    """A criterion as a gate asks for it, and for how many seconds the stage before it bakes."""

    rollout: str
    into: str
    guardrail: Guardrail
    success: Success
    criterion: Criterion
    bake: float

    def __str__(self) -> str:
        return f"{self.rollout} into {self.into}: {self.guardrail.name} {self.criterion.text}"


def asked() -> Iterator[Asked]:
    """Every criterion of every gate; the last stage of some never ends, and is asked for what it is at that moment."""
    for rollout in (one for one in own_plan().rollouts if one.name in FIVE):
        left: float | None = None
        bakes = dict[str, float | None]()
        for into in (*(stage.name for stage in rollout.playbook.stages), "complete"):
            bakes[into] = left
            left = next((one.bake for one in rollout.playbook.stages if one.name == into), None)
        by_name = {one.name: one for one in rollout.guardrails}
        for gate in rollout.playbook.gates:
            for criterion in gate.criteria:
                guardrail = by_name[criterion.guardrail]
                [success] = [one for one in guardrail.success if one.text == criterion.text]
                yield Asked(rollout.name, gate.into, guardrail, success, criterion, bakes[gate.into] or DAY)


def judged_here() -> list[Asked]:
    """Those that no other test judges."""
    return [one for one in asked() if (one.rollout, one.guardrail.name) not in OTHERWISE]


def test_every_criterion_has_a_healthy_case_and_a_sick_one() -> None:
    here = judged_here()
    wanted = {(one.rollout, one.guardrail.name, one.criterion.text) for one in here}
    told = {
        (*name, text)
        for name, case in CASES.items()
        for begins in case.sick
        for text in [one.criterion.text for one in here if (one.rollout, one.guardrail.name) == name]
        if text.startswith(begins)
    }
    assert told == wanted
    assert {*CASES} == {(rollout, guardrail) for rollout, guardrail, _ in wanted}


def verdicts(one: Asked, case: Case) -> Iterator[bool | None]:
    """Whether it is met in so many stages; None: nobody can judge."""
    condition = one.success.condition
    figure = condition.figure_in(one.into) or condition.figures[0]
    beyond = OPS[condition.op.value]
    match case:
        case Level(value, before):
            base = condition.limit_from(Decimal(str(before)), figure) if condition.reference else figure
            yield not beyond(value, float(base))
        case Demand():
            # A stage without an end is asked for what it does at that moment: by day.
            share, worst = case.share_and_worst(one.bake) if one.criterion.over else case.share_and_worst(300)
            yield None if share < one.criterion.coverage else not beyond(worst, float(figure))
        case Events(now, before):
            random = Random(5)
            for _ in range(TRIALS):
                value, number = figures(condition, now, one, random)
                if number < least(one):
                    yield None
                    continue
                limit = float(figure)
                if before is not None and condition.reference is not None:
                    then, _ = figures(condition, before, one, random)
                    limit = then + limit if condition.points else then * limit
                yield not beyond(value, limit)


def figures(condition: Condition, service: Service, one: Asked, random: Random) -> tuple[float, int]:
    """The figure of a stage, or of a window as long as one, and of how many events it is."""
    measure = condition.signal.measure.inner
    assert isinstance(measure, Latency | SlowerThan | Ratio)
    window = measure.window.total_seconds()
    assert one.success.counted is not None or window >= DAY, f"{one} is judged by windows of chance"
    mean = service.daily * (one.bake if one.success.counted else window) / DAY
    counts = [many(random, mean * part) for part in service.parts(measure)]
    number = sum(counts)
    if isinstance(measure, Latency):
        return quantile(counts, bounds_of(measure), float(measure.q)), number
    good, bad = counts
    return (good if isinstance(measure, Ratio) and not measure.bad else bad) / number, number


def least(one: Asked) -> int:
    measure = one.success.condition.signal.measure.inner
    assert isinstance(measure, Latency | SlowerThan | Ratio)
    return one.criterion.events.least if one.criterion.events else measure.min_events


@pytest.mark.parametrize("rollout", FIVE)
def test_a_healthy_service_meets_it_in_its_stage_and_a_sick_one_does_not(rollout: str) -> None:
    wrong = []
    for one in (one for one in judged_here() if one.rollout == rollout):
        told = CASES[one.rollout, one.guardrail.name]
        sick = max((begins for begins in told.sick if one.criterion.text.startswith(begins)), key=len)
        well, ill = [*verdicts(one, told.healthy)], [*verdicts(one, told.sick[sick])]
        if well.count(True) < NEARLY_ALL * len(well):
            wrong.append(f"{one}: a healthy service is judged {well[:5]}")
        if ill.count(False) < NEARLY_ALL * len(ill):
            wrong.append(f"{one}: a sick service is judged {ill[:5]}")
    assert wrong == []


@pytest.mark.parametrize(
    ("demand", "judged", "served"),
    [
        (Demand(noon=850_000, capacity=1_200_000), True, True),
        (Demand(noon=850_000, capacity=700_000), True, False),
        (Demand(noon=400_000, capacity=1_200_000), False, True),
    ],
    ids=["it serves the day", "it cannot", "nobody asks for it"],
)
def test_nights_close_no_gate_of_776_k_and_a_service_that_cannot_carry_it_does(
    demand: Demand, judged: bool, served: bool
) -> None:
    [one] = [one for one in judged_here() if (one.guardrail.name, one.into) == ("throughput", "25%")]
    share, worst = demand.share_and_worst(one.bake)
    assert (share >= one.criterion.coverage, worst >= 737_200) == (judged, served)
