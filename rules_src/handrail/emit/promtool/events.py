"""Measures of what happens, not of what lasts → series before it happens, and at the scrape when it does."""

from __future__ import annotations

from decimal import Decimal

from handrail.emit.promtool.series import Rise
from handrail.emit.promtool.stimulus import Feeds, Fixed, Impossible, Pace, chosen, feeds, histogram, met
from handrail.plan import Count, Measure, Only, Selector, StateChanges


def still(measure: Measure, pace: Pace, fixed: Fixed) -> Feeds | None:
    """The series while nothing happens; None where the measure is of something that lasts."""
    match measure:
        case Count(counter, bound=None):
            return {chosen(counter, fixed): Rise(Decimal(0))}
        case Count(counter, bound=bound):
            return _observed(counter, bound, Decimal(100), Decimal(100), fixed)
        case StateChanges():
            return {}  # the state's own signal feeds it
        case Only(inner, condition, op, bound):
            calm = still(inner, pace, fixed)
            if calm is None:
                return None
            return {**feeds(condition, met(bound, op), pace, fixed), **calm}
        case _:
            return None


def happened(measure: Measure, count: Decimal, fixed: Fixed) -> Feeds:
    """The series at the one scrape in which it happens `count` times."""
    match measure:
        case Count(counter, bound=None):
            return {chosen(counter, fixed): Rise(count)}
        case Count(counter, bound=bound):
            return _observed(counter, bound, Decimal(100) + count, Decimal(100), fixed)
        case Only(measure=inner):
            return happened(inner, count, fixed)
        case _:
            raise Impossible("it lasts")


def _observed(
    counter: Selector, bound: Decimal | None, every: Decimal, quick: Decimal, fixed: Fixed
) -> Feeds:
    return histogram(counter, [bound or Decimal(1)], [quick], every, fixed)
