"""What a series does from phase to phase → the line that promtool reads; and which series a selector selects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache

from handrail.plan import Selector
from handrail.units import plain

_OPPOSITES = {"true": "false", "false": "true", "success": "failure"}
_OTHERS = ("200", "503", "OK", "true", "false", "GET", "closed", "other", "0", "")


class Impossible(Exception):
    """It cannot be shown; the message says why, in words for the head of the test file."""


@dataclass(frozen=True)
class Key:
    """Which series: a metric's name and its labels, sorted, none of them empty."""

    metric: str
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, metric: str, labels: Mapping[str, str]) -> Key:
        """The series with these labels."""
        return cls(metric, tuple(sorted((name, text) for name, text in labels.items() if text)))

    def __str__(self) -> str:
        return str(Selector(self.metric, tuple((name, "=", text) for name, text in self.labels)))


@dataclass(frozen=True)
class Rise:
    """It grows by `step` from scrape to scrape, from `start` on."""

    step: Decimal
    start: Decimal = Decimal(0)


@dataclass(frozen=True)
class At:
    """A gauge that stays where it is, or from there on moves by `step` from scrape to scrape."""

    level: Decimal
    step: Decimal = Decimal(0)


Feed = Rise | At
Feeds = Mapping[Key, Feed]


@dataclass
class Timeline:
    """Phases one after the other, in each of which some series are fed; a series that is not is gone."""

    scrape: timedelta
    phases: list[tuple[int, Feeds]] = field(default_factory=list)

    def play(self, feeds: Feeds, until: timedelta) -> None:
        """Feed these at every scrape up to then, and at least at one."""
        self.phases.append((max(1, (until - self.now) // self.scrape + 1), feeds))

    @property
    def now(self) -> timedelta:
        """When the next sample is due."""
        return sum(count for count, _ in self.phases) * self.scrape

    @property
    def keys(self) -> dict[Key, None]:
        """Every series there is, in its order."""
        return dict.fromkeys(key for _, feeds in self.phases for key in feeds)

    def samples(self, key: Key) -> tuple[tuple[timedelta, Decimal], ...]:
        """What one series shows at each scrape."""
        return _samples(self._of(key), self.scrape)

    def series(self) -> dict[Key, str]:
        """Every series and its values."""
        return {key: self.values(key) for key in self.keys}

    def values(self, key: Key) -> str:
        """The values of one series."""
        return notation(self._of(key))

    def _of(self, key: Key) -> Phases:
        """What one series does, for how many scrapes."""
        return tuple((count, feeds.get(key)) for count, feeds in self.phases)


Phases = tuple[tuple[int, Feed | None], ...]
"""For how many scrapes a series does what; None: it is not there."""


@lru_cache(1000)
def _samples(phases: Phases, scrape: timedelta) -> tuple[tuple[timedelta, Decimal], ...]:
    found: list[tuple[timedelta, Decimal]] = []
    number, value = 0, None
    for count, feed in phases:
        for place in range(count if feed is not None else 0):
            at = (number + place) * scrape
            if isinstance(feed, At):
                value = feed.level + place * feed.step
            elif feed is not None:
                value = feed.start if value is None else value + feed.step
            found.append((at, value or Decimal(0)))
        number += count
    return tuple(found)


@lru_cache(10_000)
def notation(phases: Phases) -> str:
    """The values as promtool writes them: `0+2x5 stale _x3 7`."""
    runs: list[tuple[Decimal, Decimal, int]] = []
    texts: list[str] = []
    value: Decimal | None = None
    alive, gap = False, 0

    def written() -> None:
        texts.extend(_run(*run) for run in runs)
        runs.clear()

    for count, feed in phases:
        if feed is None:
            gap += count
            continue
        if gap:
            written()
            texts += ["stale"] * alive
            if gap > alive:
                texts.append(f"_x{gap - alive}" if gap - alive > 1 else "_")
            gap = 0
        alive = True
        step = feed.step
        last = runs[-1] if runs else None
        goes_on = isinstance(feed, Rise) or (value is not None and value + step == feed.level)
        if last is not None and last[1] == step and goes_on:
            runs[-1] = (last[0], step, last[2] + count)
        else:
            runs.append((_first(feed, value), step, count))
        value = _last(*runs[-1])
    written()
    return " ".join([*texts, *(["stale"] if gap else [])])


def _first(feed: Feed, value: Decimal | None) -> Decimal:
    """What a series shows first, when it was at `value`."""
    if isinstance(feed, At):
        return feed.level
    return feed.start if value is None or value.is_nan() else Decimal(repr(float(value) + float(feed.step)))


def _last(first: Decimal, step: Decimal, length: int) -> Decimal:
    """The last value of a run as promtool has it, which adds up floats: one that is less by a hair is a reset."""
    if step % 1 == first % 1 == 0:
        return first + step * (length - 1)
    value = float(first)
    for _ in range(length - 1):
        value += float(step)
    return Decimal(repr(value))


def _run(start: Decimal, step: Decimal, length: int) -> str:
    if start.is_nan():
        return " ".join(["NaN"] * length)
    if length == 1:
        return plain(start)
    if step == 0:
        return f"{plain(start)}x{length - 1}"
    return f"{plain(start)}{'+' if step > 0 else '-'}{plain(abs(step))}x{length - 1}"


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """None where Prometheus reads it otherwise than Python: nothing is then known to fit."""
    if "[[:" in text:
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def _fits(op: str, wanted: str, value: str) -> bool:
    if op in ("=", "!="):
        return (value == wanted) == (op == "=")
    pattern = _pattern(wanted)
    return pattern is not None and (pattern.fullmatch(value) is not None) == (op == "=~")


@lru_cache(100_000)
def matches(selector: Selector, key: Key) -> bool:
    """Whether the selector selects the series."""
    if selector.metric != key.metric:
        return False
    labels = dict(key.labels)
    return all(_fits(op, value, labels.get(label, "")) for label, op, value in selector.matchers)


class Reads:
    """The series that at least one of some selectors selects: `key in Reads(selectors)`."""

    def __init__(self, several: Iterable[Selector]) -> None:
        self._by_metric: dict[str, list[Selector]] = {}
        for one in several:
            self._by_metric.setdefault(one.metric, []).append(one)

    def __contains__(self, key: Key) -> bool:
        return any(matches(one, key) for one in self._by_metric.get(key.metric, ()))


def chosen(selector: Selector, given: Mapping[str, str], flipped: str | None = None) -> Key:
    """A series that the selector selects, with the labels that are `given`; of a label that is `flipped` no matcher fits.

    Raises Impossible where no example can be made of a pattern.
    """
    return _chosen(selector, tuple(given.items()), flipped)


@lru_cache(10_000)
def _chosen(selector: Selector, pairs: tuple[tuple[str, str], ...], flipped: str | None) -> Key:
    given, labels = dict(pairs), dict[str, str]()
    for name in dict.fromkeys([*(label for label, _, _ in selector.matchers), *given]):
        wanted = [(op, text) for label, op, text in selector.matchers if label == name]
        found = _fitting(wanted, given.get(name), flip=name == flipped)
        if found is None:
            raise Impossible(f"no example of a series with the label {name} could be made")
        labels[name] = found
    return Key.of(selector.metric, labels)


def common(selectors: Iterable[Selector], label: str, given: str) -> str:
    """A value of a label that all of these select: the one that is given, where they do.

    Raises Impossible where none is found.
    """
    wanted = [(op, text) for one in selectors for name, op, text in one.matchers if name == label]
    found = _fitting(wanted, given, flip=False)
    if found is None:
        raise Impossible(f"no value of the label {label} was found that all of its series may have")
    return found


def _fitting(wanted: list[tuple[str, str]], given: str | None, *, flip: bool) -> str | None:
    examples = [example for op, text in wanted for example in _examples(op, text)]
    examples += [_OPPOSITES[example] for example in examples if example in _OPPOSITES]
    for candidate in [*([] if given is None or flip else [given]), *examples, *_OTHERS]:
        good = [_fits(op, text, candidate) for op, text in wanted]
        if (not any(good) and good) if flip else all(good):
            return candidate
    return None


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
