"""A declared measure → the plan's measure with its unit: selectors parsed, windows scaled, defaults filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from handrail import plan
from handrail.declare import measures as declared
from handrail.declare import series_measures as words
from handrail.lower.scale import Scale
from handrail.promql.syntax import selector, uncommented
from handrail.units import Unit, amount, duration, seconds

_GAUGE_UNITS = {
    "number": (Unit.number, Decimal(1)),
    "ratio": (Unit.ratio, Decimal(1)),
    "percent": (Unit.ratio, Decimal("0.01")),
    "seconds": (Unit.seconds, Decimal(1)),
    "milliseconds": (Unit.seconds, Decimal("0.001")),
    "bytes": (Unit.bytes, Decimal(1)),
    "per second": (Unit.per_second, Decimal(1)),
}
HISTOGRAM_SCALES = {"s": Decimal(1), "ms": Decimal("0.001")}


@dataclass(frozen=True)
class MeasureContext:
    """What every selector of a rollout gets, how fast time runs, and on which side of its limits a value is worse."""

    matchers: tuple[tuple[str, str, str], ...]
    scale: Scale
    more_is_worse: bool = True

    def series(self, text: str) -> plan.Selector:
        """The user's selector with the rollout's matchers."""
        return selector(text).where(*self.matchers)

    def several(self, written: str | Sequence[str]) -> tuple[plan.Selector, ...]:
        """The same of one series or of several that are added up."""
        return tuple(map(self.series, [written] if isinstance(written, str) else written))


def lower_measure(measure: declared.Measure, measuring: MeasureContext) -> tuple[plan.Measure, Unit]:
    """The plan's measure, and the unit of its value."""
    if isinstance(measure, words.SeriesMeasure):
        return _of_series(measure, measuring)
    match measure:
        case declared.Ratio():
            return _ratio(measure, measuring), Unit.ratio
        case declared.Latency():
            return _latency(measure, measuring), Unit.seconds
        case declared.SlowerThan():
            return _slower(measure, measuring), Unit.ratio
        case declared.Increase(counter, slower_than=slower):
            scale = HISTOGRAM_SCALES[measure.unit]
            bound = None if slower is None else seconds(duration(slower)) / scale
            counted = plan.Increase(
                measuring.several(counter), measuring.scale.duration(measure.window), bound, by=_by(measure)
            )
            return counted, Unit.number
        case declared.Rate(counter):
            rate = plan.Rate(
                measuring.several(counter), measuring.scale.duration(measure.window), by=_by(measure)
            )
            return rate, Unit.per_second
        case declared.Gauge():
            unit, factor = _GAUGE_UNITS[measure.unit]
            return plan.Gauge(
                measuring.series(measure.metric),
                measure.over,
                factor,
                measuring.scale.maybe(measure.window),
                Decimal(0) if unit is Unit.bytes else None,
                by=_by(measure),
            ), unit
        case declared.Usage():
            size = (
                Decimal(str(measure.size))
                if isinstance(measure.size, int | float)
                else measuring.several(measure.size)
            )
            unlimited = tuple(Decimal(str(figure)) for figure in measure.unlimited)
            fill = plan.Usage(
                measuring.several(measure.used), size, measure.over, unlimited, measure.left, by=_by(measure)
            )
            return fill, Unit.ratio
        case declared.State() | declared.While() | declared.Growth() | declared.Absence() | declared.PromQL():
            return _rare(measure, measuring)


def _of_series(measure: words.SeriesMeasure, measuring: MeasureContext) -> tuple[plan.SeriesMeasure, Unit]:
    series, by = measuring.series, _by(measure)
    match measure:
        case words.Difference():
            unit, factor = _GAUGE_UNITS[measure.unit]
            least = Decimal(0) if unit is Unit.bytes else None
            sides = series(measure.metric), series(measure.minus)
            return plan.Difference(*sides, measure.over, factor, measure.absolute, least, by=by), unit
        case words.Age() | words.TimeUntil():
            kind = plan.Age if isinstance(measure, words.Age) else plan.TimeUntil
            scale, zero = HISTOGRAM_SCALES[measure.unit], plan.Zero(measure.zero)
            return kind(series(measure.timestamp), measure.over, scale, zero, by=by), Unit.seconds
        case words.Count():
            presence = None if measure.presence is None else series(measure.presence)
            where = None if measure.where is None else _where(measure.where)
            window = measuring.scale.maybe(measure.window)
            counted = plan.Count(series(measure.series), where, measure.distinct, presence, window, by=by)
            return counted, Unit.number
        case words.Forecast():
            unit, factor = _GAUGE_UNITS[measure.unit]
            window, ahead = (measuring.scale.duration(time) for time in (measure.window, measure.ahead))
            worst = "max" if measuring.more_is_worse else "min"
            forecast = plan.Forecast(
                series(measure.metric), window, ahead, measure.over or worst, factor, by=by
            )
            return forecast, unit
        case words.Changes():
            window = measuring.scale.duration(measure.window)
            return plan.Changes(
                series(measure.metric), window, measure.over, measure.resets, by=by
            ), Unit.number


def _where(written: str) -> plan.Comparison:
    op, _, figure = written.partition(" ")
    return plan.Comparison(op, Decimal(figure))


def _rare(
    measure: declared.State | declared.While | declared.Growth | declared.Absence | declared.PromQL,
    measuring: MeasureContext,
) -> tuple[plan.Measure, Unit]:
    match measure:
        case declared.State():
            return plan.State(measuring.series(measure.metric), measure.label), Unit.number
        case declared.While():
            inner, unit = lower_measure(measure.measure, measuring)
            condition, _ = lower_measure(measure.condition, measuring)
            if measure.at_most is not None:
                return plan.While(inner, condition, plan.Op.at_most, amount(measure.at_most).value), unit
            return plan.While(inner, condition, plan.Op.above, amount(measure.above).value), unit
        case declared.Growth():
            grown = plan.Growth(
                measuring.series(measure.metric), measuring.scale.duration(measure.window), by=_by(measure)
            )
            return grown, Unit(measure.unit)
        case declared.Absence():
            return plan.Absence(
                measuring.series(measure.metric), measuring.scale.duration(measure.window)
            ), Unit.number
        case declared.PromQL():
            return plan.PromQL(uncommented(measure.expr)), Unit(measure.unit)


def _ratio(measure: declared.Ratio, measuring: MeasureContext) -> plan.Ratio:
    return plan.Ratio(
        part=measuring.several(measure.bad or measure.good or ()),
        whole=measuring.several(measure.of),
        window=measuring.scale.duration(measure.window),
        min_events=measure.min_events,
        min_bad=measure.min_bad,
        bad=measure.bad is not None,
        beside=measure.beside,
        by=_by(measure),
    )


def _latency(measure: declared.Latency, measuring: MeasureContext) -> plan.Latency:
    return plan.Latency(
        histogram=measuring.series(measure.histogram),
        q=Decimal(str(measure.p)) / 100,
        window=measuring.scale.duration(measure.window),
        min_events=measure.min_events,
        scale=HISTOGRAM_SCALES[measure.unit],
        native=measure.native,
        buckets=_buckets(measure.buckets),
        by=_by(measure),
    )


def _slower(measure: declared.SlowerThan, measuring: MeasureContext) -> plan.SlowerThan:
    return plan.SlowerThan(
        histogram=measuring.series(measure.histogram),
        bound=seconds(duration(measure.bound)) / HISTOGRAM_SCALES[measure.unit],
        window=measuring.scale.duration(measure.window),
        min_events=measure.min_events,
        min_bad=measure.min_bad,
        scale=HISTOGRAM_SCALES[measure.unit],
        native=measure.native,
        buckets=_buckets(measure.buckets),
        by=_by(measure),
    )


def _by(measure: declared.Measure) -> tuple[str, ...]:
    return tuple(getattr(measure, "by", ()))


def _buckets(buckets: Sequence[float]) -> tuple[Decimal, ...]:
    return tuple(sorted(Decimal(str(bound)) for bound in buckets))
