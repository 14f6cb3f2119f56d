"""What is fed at a time → how it is to be judged, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import OTHER, At, Key, chosen, matches
from handrail.plan import Arms, Condition, Guardrail, Selector, Signal

from oracle.series import Feed, Feeds
from oracle.subject import Subject, Values


@dataclass(frozen=True)
class Shown:
    """What is fed from `start` on, and the values it gives; `few`: too few events to judge, `bad`: but for so many bad ones."""

    values: Values
    feeds: Feeds
    start: timedelta
    few: bool
    bad: bool = False
    scaled: bool = False


def strangers(feeds: Feeds, reads: list[Selector]) -> dict[Key, Feed]:
    """The same series with one label of their matchers changed, where nobody reads them then."""
    found: dict[Key, Feed] = {}
    for label in dict.fromkeys(label for s in reads for label, op, _ in s.matchers if op == "="):
        for key, feed in feeds.items():
            other = Key.of(key.metric, {**key.labels, label: OTHER})
            if label in key.labels and not any(matches(s, other) for s in reads):
                found[other] = feed
    return found


def recorded_of_others(guardrail: Guardrail) -> dict[Key, At]:
    """What is recorded of others under the same names."""
    found: dict[Key, At] = {}
    for signal in guardrail.signals:
        for recorded in (one for one in (signal.value, signal.events, signal.traffic) if one is not None):
            for label, _, _ in recorded.matchers:
                if label in (names.ROLLOUT, names.GUARDRAIL):
                    found[chosen(recorded.where((label, "=", OTHER)), {})] = At(Decimal(1_000_000_000))
    return found


def bad_share(one: Condition, value: Decimal) -> Decimal:
    """The share of bad events at a value of a measure that is one of them."""
    return value if one.is_upper else 1 - value


def times_of(subject: Subject, signal: Signal, events: Decimal, *, most: bool = False) -> Decimal:
    """So many times as many events as usual are so many in a window: at `most`, or at least."""
    each, rest = divmod(signal.measure.inner.width, subject.rollout.scrape)
    return events / (each + bool(rest and most)) / subject.pace(signal).events


def with_arm(arms: Arms | None, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of what is recorded of the canary: where versions are told, one more says the arm."""
    told = arms is not None and arms.told and arms.label in labels
    return {**labels, arms.recorded: arms.canary} if arms is not None and told else dict(labels)
