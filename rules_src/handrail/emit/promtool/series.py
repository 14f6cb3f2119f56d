"""What a series does from phase to phase → the line that promtool reads; and which series a selector selects."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache

from handrail.emit.promtool.patterns import values
from handrail.plan import Selector
from handrail.plan.selectors import written
from handrail.units import plain

_OPPOSITES = {"true": "false", "false": "true", "success": "failure"}
_OTHERS = ("200", "503", "OK", "true", "false", "GET", "closed", "other", "0", "")
OTHER = "(another)"
"""What is not the rollout's own is called so, in whatever label: no declaration can have such a name."""


class Impossible(Exception):
    """It cannot be shown; the message says why, in words for the head of the test file."""


class Key(str):
    """Which series, as it is written: a metric's name and its labels, sorted, none of them empty."""

    __slots__ = ("labels", "metric")
    metric: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, metric: str, labels: Mapping[str, str]) -> Key:
        """The series with these labels."""
        own = {name: labels[name] for name in sorted(labels) if labels[name]}
        key = cls(written(metric, ((name, "=", text) for name, text in own.items())))
        key.metric, key.labels = metric, own
        return key

    def but(self, labels: Mapping[str, str]) -> Key:
        """The same series with these labels instead of its own."""
        return Key.of(self.metric, {**self.labels, **labels})


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


Run = tuple[int, int, Feed]
"""From which scrape on, at how many of them, a series is fed what."""


@dataclass
class Timeline:
    """Phases one after the other, in each of which some series are fed; a series that is not is gone."""

    scrape: timedelta
    _runs: dict[Key, list[Run]] = field(default_factory=dict)
    _due: int = 0

    def play(self, feeds: Feeds, until: timedelta) -> None:
        """Feed these at every scrape up to then, and at least at one."""
        count = max(1, (until - self.now) // self.scrape + 1)
        for key, feed in feeds.items():
            runs = self._runs.setdefault(key, [])
            since, before, last = runs[-1] if runs else (0, 0, None)
            if last is feed and since + before == self._due and (isinstance(feed, Rise) or not feed.step):
                runs[-1] = (since, before + count, feed)
            else:
                runs.append((self._due, count, feed))
        self._due += count

    @property
    def now(self) -> timedelta:
        """When the next sample is due."""
        return self._due * self.scrape

    @property
    def keys(self) -> Collection[Key]:
        """Every series there is, in its order."""
        return self._runs.keys()

    def samples(self, key: Key) -> tuple[tuple[timedelta, Decimal], ...]:
        """What one series shows at each scrape."""
        return _samples(tuple(self._runs.get(key, ())), self.scrape)

    def series(self) -> dict[Key, str]:
        """Every series and its values."""
        return {key: notation(runs, self._due) for key, runs in self._runs.items()}

    def values(self, key: Key) -> str:
        """The values of one series."""
        return notation(self._runs.get(key, ()), self._due)


@lru_cache(1000)
def _samples(runs: tuple[Run, ...], scrape: timedelta) -> tuple[tuple[timedelta, Decimal], ...]:
    found: list[tuple[timedelta, Decimal]] = []
    value = None
    for since, count, feed in runs:
        for place in range(count):
            if isinstance(feed, At):
                value = feed.level + place * feed.step
            else:
                value = feed.start if value is None else value + feed.step
            found.append(((since + place) * scrape, value))
    return tuple(found)


def notation(runs: Iterable[Run], end: int) -> str:
    """The values as promtool writes them, up to so many scrapes: `0+2x5 stale _x3 7`."""
    texts: list[str] = []
    run: tuple[Decimal, Decimal, int] | None = None
    value: Decimal | None = None
    shown = 0
    for since, count, feed in runs:
        goes_on = isinstance(feed, Rise) or (value is not None and value + feed.step == feed.level)
        if run is not None and since == shown and run[1] == feed.step and goes_on:
            run = (run[0], feed.step, run[2] + count)
        else:
            texts += [] if run is None else [_run(*run)]
            texts += _gap(since - shown, alive=value is not None) if since > shown else []
            run = (_first(feed, value), feed.step, count)
        value, shown = _last(*run), since + count
    texts += [] if run is None else [_run(*run)]
    return " ".join([*texts, *(["stale"] if shown < end else [])])


def _gap(count: int, *, alive: bool) -> list[str]:
    """So many scrapes that do not show the series, which was there before if it is `alive`."""
    rest = count - alive
    return ["stale"] * alive + ([f"_x{rest}" if rest > 1 else "_"] if rest else [])


def _first(feed: Feed, value: Decimal | None) -> Decimal:
    """What a series shows first, when it was at `value`."""
    if isinstance(feed, At):
        return feed.level
    return (
        feed.start
        if value is None or not value.is_finite()
        else Decimal(repr(float(value) + float(feed.step)))
    )


def _last(first: Decimal, step: Decimal, length: int) -> Decimal:
    """The last value of a run as promtool has it, which adds up floats: one that is less by a hair is a reset."""
    if not step or step % 1 == first % 1 == 0:
        return first + step * (length - 1)
    value = float(first)
    for _ in range(length - 1):
        value += float(step)
    return Decimal(repr(value))


def _run(start: Decimal, step: Decimal, length: int) -> str:
    if not start.is_finite():
        return " ".join(["NaN" if start.is_nan() else "Inf"] * length)
    if length == 1:
        return plain(start)
    if step == 0:
        return f"{plain(start)}x{length - 1}"
    return f"{plain(start)}{'+' if step > 0 else '-'}{plain(abs(step))}x{length - 1}"


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """None where Prometheus reads it otherwise than Python: nothing is then known to fit."""
    with warnings.catch_warnings(action="error", category=FutureWarning):
        try:
            return re.compile(text)
        except (re.error, FutureWarning):
            return None


def _fits(op: str, wanted: str, value: str) -> bool:
    if op in ("=", "!="):
        return (value == wanted) == (op == "=")
    pattern = _pattern(wanted)
    return pattern is not None and (pattern.fullmatch(value) is not None) == (op == "=~")


def matches(selector: Selector, key: Key) -> bool:
    """Whether the selector selects the series."""
    return selector.metric == key.metric and all(
        _fits(op, value, key.labels.get(label, "")) for label, op, value in selector.matchers
    )


class Reads:
    """The series that at least one of some selectors selects: `key in Reads(selectors)`."""

    def __init__(self, several: Iterable[Selector]) -> None:
        self._by_metric: dict[str, list[Selector]] = {}
        for one in several:
            self._by_metric.setdefault(one.metric, []).append(one)

    @property
    def metrics(self) -> Collection[str]:
        """The metrics of all of them."""
        return self._by_metric.keys()

    def __contains__(self, key: Key) -> bool:
        return any(matches(one, key) for one in self._by_metric.get(key.metric, ()))


class Index:
    """Series by their metric, so that a selector is compared with few of many."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_metric: dict[str, list[tuple[int, Key]]] = {}
        for place, key in enumerate(keys):
            self._by_metric.setdefault(key.metric, []).append((place, key))

    def read_by(self, several: Iterable[Selector]) -> list[Key]:
        """Those that at least one of these selects, in their order."""
        reads = Reads(several)
        own = (pair for metric in reads.metrics for pair in self._by_metric.get(metric, ()))
        return [key for _, key in sorted(own) if key in reads]


def chosen(selector: Selector, given: Mapping[str, str], flipped: str | None = None) -> Key:
    """A series that the selector selects, with the labels that are `given`; of a label that is `flipped` no matcher fits, or not all.

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
    candidates = [*([] if given is None or flip else [given]), *examples, *_OTHERS]
    if flip and wanted:
        some = next((one for one in candidates if not all(_fit(wanted, one))), None)
        return next((one for one in candidates if not any(_fit(wanted, one))), some)
    return next((one for one in candidates if all(_fit(wanted, one))), None)


def _fit(wanted: list[tuple[str, str]], value: str) -> Iterator[bool]:
    """Whether a value is what each matcher wants."""
    return (_fits(op, text, value) for op, text in wanted)


def _examples(op: str, text: str) -> Iterable[str]:
    """Values of a label that a matcher may want, or wants not to be."""
    if op in ("=", "!="):
        return [text]
    return values(text) if _pattern(text) else ()
