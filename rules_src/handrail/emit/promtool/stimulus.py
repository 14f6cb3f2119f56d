"""Measure + value it should have → the series that give it that value, and how fast they grow.

Counts are whole numbers, so that no sum depends on rounding; what the value then is exactly, `measure` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from handrail.emit.promtool.series import At, Feed, Key, Rise, labels_of
from handrail.emit.promtool.storage import fits
from handrail.plan import (
    Count,
    Fill,
    Free,
    Gone,
    Grown,
    InState,
    Level,
    Measure,
    Only,
    Op,
    PerSecond,
    Quantile,
    Selector,
    Share,
    Slow,
    StateChanges,
)
from handrail.promql.buckets import le
from handrail.units import plain, seconds

Feeds = dict[Key, Feed]
Fixed = Mapping[str, str]
"""Labels that are given: the arm's, and those the series are kept apart by."""

_OPPOSITES = {"true": "false", "false": "true", "success": "failure"}
OTHERS = ("200", "503", "OK", "true", "false", "GET", "closed", "other", "0")


class Impossible(Exception):
    """The measure cannot be given this value; the message says why, in words for the test file."""


@dataclass(frozen=True)
class Pace:
    """How often series are scraped, and how many events there are from scrape to scrape."""

    scrape: timedelta
    events: int = 100_000


def chosen(selector: Selector, fixed: Fixed, flipped: str | None = None) -> Key:
    """A series that the selector selects; with `flipped`, one that all but this label's matchers select."""
    labels: dict[str, str] = {}
    for name in {label for label, _, _ in selector.matchers} | set(fixed):
        wanted = [(op, text) for label, op, text in selector.matchers if label == name]
        labels[name] = _label(name, wanted, fixed.get(name), flip=name == flipped)
    return Key(selector.metric, labels_of(labels.items()))


def _label(name: str, wanted: list[tuple[str, str]], given: str | None, *, flip: bool) -> str:
    examples = [example for op, text in wanted for example in _examples(op, text)]
    examples += [_OPPOSITES[example] for example in examples if example in _OPPOSITES]
    for candidate in ([] if given is None or flip else [given]) + examples + list(OTHERS) + [""]:
        good = [fits(op, text, candidate) for op, text in wanted]
        if (not any(good) and good) if flip else all(good):
            return candidate
    raise Impossible(f"no example of a series with the label {name} could be made")


def _examples(op: str, text: str) -> list[str]:
    if op == "=":
        return [text]
    if op != "=~":
        return []
    plainly = re.sub(r"\[\^?(\\?.)[^]]*\]", r"\1", text)
    plainly = re.sub(r"\.[*+]", "x", plainly).replace("\\d", "0").replace("\\.", "\0")
    return [
        re.sub(r"[()?^$]", "", option).replace(".", "0").replace("\0", ".") for option in plainly.split("|")
    ]


def feeds(measure: Measure, value: Decimal, pace: Pace, fixed: Fixed) -> Feeds:
    """Series that give the measure `value`. Raises Impossible where none can."""
    match measure:
        case Share(part, whole):
            return _share(part, whole, value, pace, fixed)
        case Quantile():
            return _quantile(measure, value, pace, fixed)
        case Slow():
            return _slow(measure, value, pace, fixed)
        case PerSecond(counter):
            return {chosen(counter, fixed): Rise(value * seconds(pace.scrape))}
        case Level(metric=metric, scale=scale):
            return {chosen(metric, fixed): At(value / scale)}
        case Fill():
            return _fill(measure, value, fixed)
        case InState(metric, label):
            return _states(metric, label, fixed, on=value > 0)
        case Only(inner, condition, op, bound):
            return {**feeds(condition, met(bound, op), pace, fixed), **feeds(inner, value, pace, fixed)}
        case Gone(metric):
            return {} if value > 0 else {chosen(metric, fixed): At(Decimal(1))}
        case Free():
            raise Impossible("a free PromQL expression: nothing is known of what would give it a value")
        case Grown(metric=metric, window=window):
            return {chosen(metric, fixed): Rise(value * seconds(pace.scrape) / seconds(window))}
        case Count() | StateChanges():
            raise Impossible("it has no value that lasts")


def met(bound: Decimal, op: Op) -> Decimal:
    """A value that meets `op bound`, and no more than that."""
    return bound + Decimal("0.1") if op is Op.above else bound


def _share(part: Selector, whole: Selector, value: Decimal, pace: Pace, fixed: Fixed) -> Feeds:
    if not 0 <= value <= 1:
        raise Impossible("a share lies between 0 and 1")
    bad = (value * pace.events).to_integral_value(ROUND_HALF_EVEN)
    inside = chosen(part, fixed)
    if part.metric != whole.metric:
        return {inside: Rise(bad), chosen(whole, fixed): Rise(Decimal(pace.events))}
    return {inside: Rise(bad), rest(part, whole, fixed): Rise(pace.events - bad)}


def rest(part: Selector, whole: Selector, fixed: Fixed) -> Key:
    """A series of the whole that is no part."""
    common = set(whole.matchers)
    for label, _, _ in part.matchers:
        if not {m for m in part.matchers if m[0] == label} <= common:
            return chosen(Selector(whole.metric, _merged(part, whole, label)), fixed, flipped=label)
    raise Impossible("part and whole are the same series")


def _merged(part: Selector, whole: Selector, label: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(m for m in part.matchers if m[0] == label) + tuple(
        m for m in whole.matchers if m[0] != label
    )


def bounds(measure: Quantile | Slow, near: Decimal) -> list[Decimal]:
    """The histogram's bucket bounds: those declared, or some around `near`."""
    if measure.buckets:
        return list(measure.buckets)
    return [near / 4, near / 2, near, near * 2, near * 4]


def _quantile(measure: Quantile, value: Decimal, pace: Pace, fixed: Fixed) -> Feeds:
    if measure.native:
        raise Impossible("promtool before 2.54 cannot be given native histograms")
    wanted = value / measure.scale
    edges = list(measure.buckets) or round_bounds(wanted)
    above = next((index for index, edge in enumerate(edges) if edge >= wanted), None)
    if above is None or wanted <= 0:
        raise Impossible(f"no bucket reaches {plain(value)}")
    low = edges[above - 1] if above else Decimal(0)
    place = (wanted - low) / (edges[above] - low)
    q, every = measure.q, Decimal(pace.events)
    below, upto = ((q - place) / (1 - place), Decimal(1)) if place <= q else (Decimal(0), q / place)
    shares = [
        Decimal(0)
        if index < above - 1
        else below
        if index == above - 1
        else upto
        if index == above
        else Decimal(1)
        for index in range(len(edges))
    ]
    if above == 0 and place <= q:
        # Nothing lies below the first bucket: what it holds alone says where the quantile is.
        raise Impossible(f"{plain(value)} lies too low in the first bucket")
    return histogram(
        measure.histogram, edges, [(share * every).to_integral_value() for share in shares], every, fixed
    )


def round_bounds(near: Decimal) -> list[Decimal]:
    """Bucket bounds of one decimal digit around a value: 0.1, 0.2, 0.5, 1, …"""
    power = near.adjusted()
    tens = [Decimal(f"{digit}e{power + shift}") for shift in (-1, 0, 1) for digit in (1, 2, 5)]
    return [Decimal(plain(edge)) for edge in tens]


def histogram(
    series: Selector, edges: list[Decimal], counts: list[Decimal], every: Decimal, fixed: Fixed
) -> Feeds:
    """A classic histogram with these cumulative counts from scrape to scrape."""
    found: Feeds = {
        chosen(series.suffixed("_bucket"), {**fixed, "le": le(edge)}): Rise(count)
        for edge, count in zip(edges, counts, strict=True)
    }
    found[chosen(series.suffixed("_bucket"), {**fixed, "le": "+Inf"})] = Rise(every)
    found[chosen(series.suffixed("_count"), fixed)] = Rise(every)
    return found


def _slow(measure: Slow, value: Decimal, pace: Pace, fixed: Fixed) -> Feeds:
    if measure.native:
        raise Impossible("promtool before 2.54 cannot be given native histograms")
    quick = ((1 - value) * pace.events).to_integral_value()
    edges = list(measure.buckets) or [measure.bound]
    if measure.bound not in edges:
        raise Impossible("the bound is no bucket")
    counts = [Decimal(0) if edge < measure.bound else quick for edge in edges]
    return histogram(measure.histogram, edges, counts, Decimal(pace.events), fixed)


def _fill(measure: Fill, value: Decimal, fixed: Fixed) -> Feeds:
    if isinstance(measure.size, Decimal):
        return {chosen(measure.used, fixed): At(value * measure.size)}
    return {chosen(measure.used, fixed): At(value * 1000), chosen(measure.size, fixed): At(Decimal(1000))}


def _states(metric: Selector, label: str, fixed: Fixed, *, on: bool) -> Feeds:
    state = fixed.get(label, "closed")
    other = next(name for name in ("closed", "open", "other") if name != state)
    return {
        chosen(metric, {**fixed, label: state}): At(Decimal(int(on))),
        chosen(metric, {**fixed, label: other}): At(Decimal(int(not on))),
    }
