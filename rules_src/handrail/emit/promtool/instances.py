"""The series of one instance → those of two that together say the same, each of them something else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.emit.promtool.frame import inner
from handrail.emit.promtool.reads import selectors
from handrail.emit.promtool.series import At, Feed, Key, Rise, labels_of
from handrail.emit.promtool.stimulus import Feeds
from handrail.emit.promtool.storage import matches
from handrail.plan import Fill, Grown, Guardrail, InState, Level, Measure, Only

LABEL = "instance"
SHARES = (*map(Decimal, ("0.5", "0.2", "0.15", "0.25")), Decimal(1) / 3)
"""Shares of the first of two instances: with one of them the sum of their rates often is exact in floats."""


def spread(guardrail: Guardrail, feeds: Feeds) -> Feeds:
    """What is quick is counted by the first and what is slow by the other; of gauges each has its part."""
    found: Feeds = {}
    for key, feed in feeds.items():
        shares = _shares(guardrail, key, feed, feeds)
        if shares is None or LABEL in dict(key.labels):
            found[key] = feed
        else:
            found |= zip(_two(key), shares, strict=True)
    return found


def halved(feeds: Feeds) -> Feeds:
    """The same of counters alone, whoever reads them."""
    found: Feeds = {}
    for key, feed in feeds.items():
        if isinstance(feed, Rise) and LABEL not in dict(key.labels):
            found |= zip(_two(key), _steps(key, feed, feeds), strict=True)
        else:
            found[key] = feed
    return found


def parted(feeds: Feeds, share: Decimal) -> Feeds:
    """Of every counter the first instance counts this share, and the other the rest."""
    found: Feeds = {}
    for key, feed in feeds.items():
        if isinstance(feed, Rise) and LABEL not in dict(key.labels):
            first = round(feed.step * share, 9)
            found |= zip(_two(key), (Rise(first), Rise(feed.step - first)), strict=True)
        else:
            found[key] = feed
    return found


def twice(feeds: Feeds) -> Feeds:
    """The same said by two instances."""
    return {one: feed for key, feed in feeds.items() for one in _two(key)}


def _two(key: Key) -> tuple[Key, Key]:
    first, second = (
        Key(key.metric, labels_of({LABEL: name, **dict(key.labels)}.items())) for name in ("a", "b")
    )
    return first, second


def _shares(guardrail: Guardrail, key: Key, feed: Feed, feeds: Feeds) -> tuple[Feed, Feed] | None:
    if isinstance(feed, Rise):
        grown = [m for m in _measures(guardrail) if isinstance(m, Grown) and matches(m.metric, key)]
        return (feed, Rise(feed.step / 2)) if grown else _steps(key, feed, feeds)
    for measure in _measures(guardrail):
        if any(matches(selector, key) for selector in selectors(measure)):
            levels = _levels(measure, feed.level)
            return None if levels is None else (At(levels[0]), At(levels[1]))
    return None


def _steps(key: Key, feed: Rise, feeds: Feeds) -> tuple[Rise, Rise]:
    first = min(feed.step, _all(key, feeds, feed) / 2)
    return Rise(first), Rise(feed.step - first)


def _all(key: Key, feeds: Feeds, own: Rise) -> Decimal:
    """How many events a bucket's histogram counts; of another counter, how many it counts itself."""
    whole = Key(key.metric, tuple((name, "+Inf" if name == "le" else text) for name, text in key.labels))
    feed = feeds.get(whole, own)
    return feed.step if isinstance(feed, Rise) else own.step


def _measures(guardrail: Guardrail) -> Iterator[Measure]:
    for signal in guardrail.signals:
        yield inner(signal.measure)
        if isinstance(signal.measure, Only):
            yield signal.measure.condition


def _levels(measure: Measure, level: Decimal) -> tuple[Decimal, Decimal] | None:
    """Two levels that put together are this one; None where the instances are not put together."""
    match measure:
        case InState():
            return level, Decimal(0)
        case Fill(by=by) if LABEL not in by:
            return level / 4, level - level / 4
        case Level(over=over, by=by) if LABEL not in by:
            return {
                "max": (level, level - (abs(level) / 2 or 1)),
                "min": (level, level + (abs(level) / 2 or 1)),
                "sum": (level / 4, level - level / 4),
                "avg": (level / 2, level + level / 2),
            }[over]
        case _:
            return None
