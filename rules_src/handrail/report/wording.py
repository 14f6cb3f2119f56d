"""Conditions and measures of the plan → the words in which alerts, gates, panels and runbooks say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from handrail.plan import (
    Absence,
    Alert,
    Bound,
    Burn,
    Changes,
    Condition,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Measure,
    Op,
    PromQL,
    Rate,
    Ratio,
    Reference,
    ReferenceKind,
    Selector,
    SeriesMeasure,
    Signal,
    SlowerThan,
    State,
    StateChanges,
    TimeSlices,
    Timestamp,
    Usage,
    While,
    Zero,
)
from handrail.units import Unit, plain, show, span

_REFERENCE_WORDS = {
    ReferenceKind.before: "the figure from before the rollout",
    ReferenceKind.stable: "the stable arm",
    ReferenceKind.previous_stage: "the stage before",
}
_OP_WORDS = {
    Op.above: "above",
    Op.at_least: "at or above",
    Op.below: "below",
    Op.at_most: "at or below",
}

OVER_STAGE = "counted over the whole stage"
"""What follows a criterion that all events of a stage are judged by, together."""

NOT_PASSED = "Missing data is not a pass, so nothing is promoted."
"""What follows where nothing can be judged."""


def literal(text: str) -> str:
    """`text` escaped for an annotation, which is a Go template.

    One stray `{{` in a title would make Prometheus refuse the whole rules file.
    """
    return text.replace("{{", '{{"{{"}}')


def words(condition: Condition) -> str:
    """The condition for people: `above 1 %`, `above 1 % in stage 10%, 0.5 % in stage 25%`."""
    if condition.state is not None:
        return f"in state {condition.state}"
    if isinstance(condition.signal.measure, StateChanges):
        return f"a change within {span(condition.signal.measure.window)}"
    return f"{_OP_WORDS[condition.op]} {', '.join(_by_figure(condition))}"


def bound(one: Bound, unit: Unit) -> str:
    """What a panel's figure is, and on which side of it: `target: below 200 ms`."""
    kind = " ".join([*([one.name] if one.name else []), "target" if one.is_target else "limit"])
    return f"{kind}: {_OP_WORDS[one.op]} {show(one.figure, unit)}"


def reason(condition: Condition) -> str:
    """The same with the name of the signal, if it is not the guardrail's own measure."""
    named = condition.signal.name and not isinstance(condition.signal.measure, StateChanges)
    return f"{condition.signal.name} {words(condition)}" if named else words(condition)


def limits(alert: Alert) -> str:
    """The limits of an alert, any of which is enough."""
    whole = "an attempt" if alert.since_attempt else "a stage"
    during = f", in the first {span(alert.during)} of {whole}" if alert.during else ""
    return ", or ".join(map(reason, alert.conditions)) + during


def burn_rates(burns: Sequence[Burn]) -> str:
    """What an error budget loses when an alert says so: `2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6)`."""
    return " or ".join(
        f"{show(burn.share, Unit.ratio)} in {span(burn.long)} (burn rate {plain(round(burn.factor, 3))})"
        for burn in burns
    )


def rounded_up(time: timedelta) -> str:
    """A time rounded up: to seconds below ten minutes, to minutes above."""
    step = timedelta(seconds=1) if time < timedelta(minutes=10) else timedelta(minutes=1)
    return span(-(-time // step) * step)


def _by_figure(condition: Condition) -> Iterator[str]:
    """Each figure once, with its stages; a stage whose figure is that of all others is not named."""
    rest = next((limit.figure for limit in condition.limits if limit.stage is None), None)
    stages: dict[Decimal, list[str]] = {}
    for limit in condition.limits:
        if limit.stage is not None and limit.figure is not None and limit.figure != rest:
            stages.setdefault(limit.figure, []).append(limit.stage)
    for figure, where in stages.items():
        yield f"{_figure_words(condition, figure)} in {_stages(where)}"
    without = [limit.stage for limit in condition.limits if limit.stage is not None and limit.figure is None]
    if rest is not None:
        yield _figure_words(condition, rest) + (" otherwise" if stages or without else "")
        if without:
            yield f"not in {_stages(without)}"


def _stages(names: list[str]) -> str:
    return f"stage{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def _figure_words(condition: Condition, figure: Decimal) -> str:
    if condition.reference is None:
        return show(figure, condition.signal.unit)
    if condition.points:
        ratio, far = condition.signal.unit is Unit.ratio, abs(figure)
        shown = f"{plain(far * 100)} percentage points" if ratio else show(far, condition.signal.unit)
        sign = "plus" if condition.is_upper else "minus"
        return f"{reference_words(condition.reference)} {sign} {shown}"
    floor = (
        ""
        if condition.floor is None
        else f" and {_OP_WORDS[condition.op]} {show(condition.floor, condition.signal.unit)}"
    )
    enough = (  # below 0 it is blind, and the alert for that says so
        f", if that is at least {show(condition.least, condition.signal.unit)}" if condition.least else ""
    )
    return f"{plain(figure * 100)} % of {reference_words(condition.reference)}{floor}{enough}"


def reference_words(reference: Reference) -> str:
    """The reference for people."""
    if reference.ago is not None:
        return f"the figure of {span(reference.ago)} ago"
    return f"stage {reference.stage}" if reference.stage else _REFERENCE_WORDS[reference.kind]


_OVER_WORDS = {"max": "The highest", "min": "The lowest", "sum": "The sum of", "avg": "The average of"}


def meaning(measure: Measure, bad: Mapping[int, Sequence[str]] = MappingProxyType({})) -> str:
    """What a measure measures, as a sentence with its series as code; `bad` as enough_bad() says it."""
    if isinstance(measure, SeriesMeasure):
        return f"{_of_series(measure)}{_each(measure.by)}.{_aside(measure)}"
    match measure:
        case Ratio(window=window) | SlowerThan(window=window):
            few = _few(measure.min_events, measure.by, bad, "bad")
            more = (
                " A share above 100 % counts as 100 %."
                if isinstance(measure, Ratio) and measure.beside
                else ""
            )
            return f"{share(measure)} over {span(window)}{_each(measure.by)}. {few}{more}"
        case Latency(histogram, q, window, min_events):
            quantile = f"The {plain(q * 100)}th percentile of `{histogram}` over {span(window)}"
            few = _few(min_events, measure.by, bad, "beyond its limit")
            return f"{quantile}{_each(measure.by)}. {few}"
        case Increase(counters, window, bound):
            slow = "" if bound is None else f" slower than {show(bound, Unit.seconds)}"
            born = "a series that first appears above zero counts in full"
            return f"How many events {_named(counters)} counted{slow} in {span(window)}{_each(measure.by)}; {born}."
        case Rate(counters, window):
            return f"Events of {_named(counters)} per second over {span(window)}{_each(measure.by)}."
        case Gauge(metric, over, _, window):
            within = "" if window is None else f" within {span(window)}"
            return f"{_OVER_WORDS[over]} `{metric}`{within}{_each(measure.by)}."
        case Usage(used, size):
            limit = plain(size) if isinstance(size, Decimal) else _named(size)
            fullest = ", of the fullest" if measure.over == "max" else ""
            by = f", of which {_named(used)} is left" if measure.left else f" by {_named(used)}"
            return f"How much of {limit} is in use{by}{fullest}{_each(measure.by)}."
        case State() | StateChanges() | While() | Growth() | Absence() | PromQL():
            return _rare_meaning(measure, bad)


def share(measure: Ratio | SlowerThan | TimeSlices) -> str:
    """Which events of which, without a time; or which slices are bad."""
    if isinstance(measure, TimeSlices):
        what = meaning(measure.measure).rstrip(".")
        return f"A slice of {span(measure.length)} is bad when this is {words(measure.condition)}: {what}"
    if isinstance(measure, Ratio):
        return f"The share of {_named(measure.part)} in {_named(measure.whole)}"
    return (
        f"The share of `{measure.histogram}` slower than {show(measure.bound * measure.scale, Unit.seconds)}"
    )


def _rare_meaning(
    measure: State | StateChanges | While | Growth | Absence | PromQL, bad: Mapping[int, Sequence[str]]
) -> str:
    match measure:
        case State(state, label):
            return f"The `{label}` that `{state}` is in."
        case StateChanges(metric=metric, window=window):
            return f"How often `{metric}` changed in {span(window)}."
        case While(inner, condition, op, bound):
            when = _when(measure).removesuffix(".")
            units = {Rate: Unit.per_second, Usage: Unit.ratio}
            least = show(bound, units.get(type(condition), Unit.number)) if bound else "0"
            return f"{meaning(inner, bad)} Only while this is {_OP_WORDS[op]} {least}: {when[:1].lower()}{when[1:]}."
        case Growth(metric, window):
            return f"By how much `{metric}` grew in {span(window)}{_each(measure.by)}."
        case Absence(metric, window):
            return f"Whether `{metric}` was not seen for {span(window)}."
        case PromQL(text):
            return f"The expression `{' '.join(text.split())}`."


def _when(measure: While) -> str:
    """What the condition of a measure is, and whose: of the same labels, or of any."""
    condition = measure.condition
    rest = tuple(label for label in condition.labels if label not in measure.shared)
    same = f", of the same {_named(measure.shared)}" if measure.shared else ""
    any_of = f", of any {_named(rest)}" if rest else ""
    alone = (
        replace(condition, by=())
        if isinstance(condition, Rate | Gauge | Usage | Growth | SeriesMeasure)
        else condition
    )
    return f"{meaning(alone).removesuffix('.')}{same}{any_of}"


def _of_series(measure: SeriesMeasure) -> str:
    match measure:
        case Difference(metric, minus, over, absolute=True):
            return f"By how much {_one(over, metric)} and {_one(over, minus)} differ"
        case Difference(metric, minus, over):
            return f"By how much {_one(over, metric)} is more than {_one(over, minus)}"
        case Timestamp(metric, until, over):
            which = {"max": "last", "min": "next"} if until else {"max": "oldest", "min": "newest"}
            return (
                f"How long it is {'until' if until else 'since'} the {which[over]} time that `{metric}` tells"
            )
        case Count(where=where, distinct=None):
            compared = _there(measure) if where is None else f"are {where}"
            return f"How many series of `{measure.series}` {compared}"
        case Count(where=where, distinct=label):
            compared = "" if where is None else f" where it is {where}"
            return f"How many values of `{label}` {_there(measure)} in `{measure.seen}`{compared}"
        case Forecast(metric, window, ahead, over):
            past = f"if it goes on as in the last {span(window)}"
            return f"{_OVER_WORDS[over]} `{metric}` in {span(ahead)} {past}"
        case Changes(metric, window, over, resets):
            what = "fell" if resets else "changed"
            return f"How often `{metric}` {what} in {span(window)}{_CHANGES[over]}"


def _there(measure: Count) -> str:
    return "there are" if measure.window is None else f"there were in the last {span(measure.window)}"


_CHANGES = {
    "max": ", of the series with the most",
    "min": ", of the series with the fewest",
    "sum": ", all series together",
    "avg": ", on average of all series",
}


def _one(over: str, series: Selector) -> str:
    words = _OVER_WORDS[over]
    return f"{words[0].lower()}{words[1:]} `{series}`"


def _aside(measure: SeriesMeasure) -> str:
    """What a series that says nothing, or is not there, means."""
    match measure:
        case Timestamp(zero=zero):
            return {
                Zero.long_ago: " A time of 0 is long ago.",
                Zero.no_data: " A time of 0 is no data.",
                Zero.left_out: " A time of 0 does not count.",
            }[zero]
        case Count(presence=presence, window=window) if window is not None:
            return f" There is a figure only if `{presence}` was there for nine tenths of that time."
        case Count(presence=presence):
            none = "no data" if presence is None else f"0 while `{presence}` is there"
            return f" No series at all is {none}."
        case Difference() | Forecast() | Changes():
            return ""


def enough_bad(guardrail: Guardrail, signal: Signal) -> dict[int, list[str]]:
    """From how many bad events on which of its tiers break their limits though there are too few, the fewest first."""
    needed = {
        alert.tier: condition.least_bad
        for alert in guardrail.alerts
        for condition in alert.conditions
        if condition.signal == signal and condition.least_bad is not None
    }
    by_number: dict[int, list[str]] = {}
    for tier, bad in sorted(needed.items(), key=lambda one: one[1]):
        by_number.setdefault(bad, []).append(tier)
    return by_number


def _few(least: int, labels: tuple[str, ...], bad: Mapping[int, Sequence[str]], what: str) -> str:
    who = f"that {_named(labels)}" if labels else "it"
    each = (
        f"{number} ({', '.join(tiers)})" if len(bad) > 1 else str(number) for number, tiers in bad.items()
    )
    unless = f", unless {', '.join(each)} or more of them are {what}" if bad else ""
    return f"With fewer than {least} events in that time {who} is not judged{unless}."


def _each(labels: tuple[str, ...]) -> str:
    return f", for each {_named(labels)}" if labels else ""


def _named(things: Sequence[object]) -> str:
    return " and ".join(f"`{thing}`" for thing in things)
