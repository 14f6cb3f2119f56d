"""What several lints ask about declared limits: their figures by stage, which way they point, what is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from handrail.base.places import PathStep
from handrail.declare import (
    Above,
    Age,
    AtLeast,
    AtMost,
    Below,
    Changed,
    Changes,
    Count,
    Difference,
    Drop,
    DropPoints,
    Forecast,
    Growth,
    Guardrail,
    Is,
    PromQL,
    Rise,
    RisePoints,
    Rollout,
    Slo,
    State,
    TimeUntil,
)
from handrail.declare.guardrail import Tier
from handrail.declare.limits import ByStage, Fixed, Limit, Reference
from handrail.declare.measures import (
    Absence,
    Gauge,
    Increase,
    Latency,
    Measure,
    Rate,
    Ratio,
    SlowerThan,
    Usage,
)
from handrail.declare.rollout import Stage
from handrail.units import Amount, amount, duration

T = TypeVar("T")
Found = TypeVar("Found")

Judged = Guardrail | Slo


def judged(rollout: Rollout) -> list[Judged]:
    """What alerts are about: the guardrails, then the objectives."""
    return [*rollout.guardrails, *rollout.slos]


@dataclass(frozen=True)
class Use:
    """A limit at work: the measure it judges, its reference, and who wrote it.

    `tier` is None for a success criterion, where the limit says what must be so; but what Rise and Drop
    say must not have happened there, as in a tier.
    """

    guardrail: Guardrail
    tier: Tier | None
    at: object
    measure: Measure
    limit: Limit
    against: Reference | None

    @property
    def wanted(self) -> bool:
        """Whether the limit says what must be so, and not what must not."""
        return self.tier is None and not self.limit.relative


@dataclass(frozen=True)
class LimitFigure:
    """One figure of a limit: its stage (None: everywhere, or otherwise), as written, in base units, and where."""

    stage: str | None
    written: Amount
    value: Decimal
    path: tuple[PathStep, ...]


def uses(guardrail: Guardrail) -> tuple[Use, ...]:
    """Every limit of a guardrail."""
    return cached(guardrail, "_uses", _uses)


def figures(limit: Limit) -> tuple[LimitFigure, ...]:
    """Every figure of a limit."""
    return cached(limit, "_figures", _figures)


def cached(of: T, name: str, made: Callable[[T], Iterator[Found]]) -> tuple[Found, ...]:
    """What many lints ask of one declaration is found once; a changed copy of it is another one."""
    known: tuple[T, tuple[Found, ...]] | None = vars(of).get(name)
    if known is None or known[0] is not of:
        known = (of, tuple(made(of)))
        object.__setattr__(of, name, known)
    return known[1]


def _uses(guardrail: Guardrail) -> Iterator[Use]:
    against = guardrail.against
    for tier in guardrail.tiers:
        yield Use(guardrail, tier, tier, guardrail.measure, tier.limit, against)
        for other in tier.or_:
            yield Use(guardrail, tier, other, other.measure, other.limit, other.against)
    for limit in guardrail.successes:
        yield Use(guardrail, None, limit, guardrail.measure, limit, against)


def _figures(limit: Limit) -> Iterator[LimitFigure]:
    written = figure_field(limit)
    if written is None:
        return
    field, at = written
    by_stage = at if isinstance(at, Mapping) else {None: at}
    for stage, figure in by_stage.items():
        if figure is None:
            continue
        yield LimitFigure(stage, figure, amount(figure).value, (field,) if stage is None else (field, stage))
    otherwise = getattr(limit, "otherwise", None)
    if otherwise is not None:
        yield LimitFigure(None, otherwise, amount(otherwise).value, ("otherwise",))


def figure_field(limit: Limit) -> tuple[str, ByStage] | None:
    """The field of the limit's figure and what was written there, None where it has none."""
    if isinstance(limit, Above | AtLeast | Below | AtMost):
        return "at", limit.at
    if isinstance(limit, Rise | RisePoints | Drop | DropPoints):
        return "by", limit.by
    return None


def figure_in(limit: Limit, stage: str | None) -> Decimal | None:
    """The figure in force in a stage (None: in no stage), None where there is none."""
    all_figures, written = figures(limit), figure_field(limit)
    if written and isinstance(written[1], Mapping) and stage is not None and written[1].get(stage, 0) is None:
        return None
    own = next((figure for figure in all_figures if figure.stage == stage), None)
    figure = own or next((figure for figure in all_figures if figure.stage is None), None)
    return figure.value if figure else None


def in_force(limit: Limit, stage: Stage) -> bool:
    """Whether the limit judges anything in that stage."""
    return not figures(limit) or figure_in(limit, stage.name) is not None


def guarded_stages(rollout: Rollout, limits: Sequence[Limit]) -> list[Stage]:
    """The stages that end, have traffic and one of the limits in force, the shortest first."""
    guarded = [
        stage
        for stage in rollout.stages
        if stage.bake is not None and stage.has_canary and any(in_force(limit, stage) for limit in limits)
    ]
    return sorted(guarded, key=lambda stage: duration(stage.bake or "0s"))


def possible(measure: Measure) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and the highest value the measure can have, None where nothing is known."""
    zero, one = Decimal(0), Decimal(1)
    match measure.inner:
        case Ratio() | SlowerThan() | Absence() | Usage(left=True):
            return zero, one
        case Latency(buckets=buckets, p=p, unit=unit, native=native):
            bounds = [Decimal(str(bound)) / (1 if unit == "s" else 1000) for bound in buckets]
            if native or not bounds:
                return zero, None
            return min(bounds) * Decimal(str(p)) / 100, max(
                bounds
            )  # all are in the first, or beyond the last
        case Increase() | Rate() | Usage() | Gauge(unit="bytes"):
            return zero, None
        case Count(where=None, presence=None):
            return one, None
        case Count() | Changes() | Age() | Difference(absolute=True):
            return zero, None
        case Difference() | TimeUntil() | Forecast() | Gauge() | Growth() | State() | PromQL():
            return None, None


def settled(limit: Limit, figure: Decimal, against: Reference | None) -> tuple[Limit, Decimal]:
    """What a limit beside a fixed figure comes to: a limit like any other."""
    if not limit.relative or not isinstance(against, Fixed):
        return limit, figure
    base = amount(against.figure).value
    signed = figure if limit.is_upper else -figure
    line = base + signed if isinstance(limit, RisePoints | DropPoints) else base * (1 + signed)
    return (Above(0) if limit.is_upper else Below(0)), line


def never(limit: Limit, figure: Decimal, measure: Measure) -> bool:
    """Whether no value of the measure can be beyond the figure."""
    low, high = possible(measure)
    match limit:
        case Above():
            return high is not None and figure >= high
        case AtLeast():
            return high is not None and figure > high
        case Below():
            return low is not None and figure <= low
        case AtMost():
            return low is not None and figure < low
        case Drop():
            return low is not None and low >= 0 and figure >= 1
        case RisePoints() | DropPoints():
            return high is not None and low is not None and figure >= high - low
        case Rise(floor=floor):
            return floor is not None and high is not None and amount(floor).value >= high
        case Is() | Changed():
            return False


def always(limit: Limit, figure: Decimal, measure: Measure) -> bool:
    """Whether every value of the measure is beyond the figure."""
    low, high = possible(measure)
    match limit:
        case Above():
            return low is not None and figure < low
        case AtLeast():
            return low is not None and figure <= low
        case Below():
            return high is not None and figure > high
        case AtMost():
            return high is not None and figure >= high
        case Rise() | RisePoints() | Drop() | DropPoints():
            return figure < 0
        case Is() | Changed():
            return False


def shown(limit: Limit, figure: LimitFigure) -> str:
    """The limit with one of its figures, as written: `Above("1%") in stage '10%'`."""
    written = f'"{figure.written}"' if isinstance(figure.written, str) else str(figure.written)
    return f"{type(limit).__name__}({written})" + (f" in stage '{figure.stage}'" if figure.stage else "")
