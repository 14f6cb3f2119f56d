"""What happens to one guardrail or objective, and for how long its alerts are certain to fire or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.attempts import attempt
from handrail.emit.promtool.series import At, Key, Timeline
from handrail.plan import Alert, Rollout, Selector

NOTHING = timedelta()
TICK = timedelta(milliseconds=1)
FOREVER = timedelta(days=100_000)


@dataclass(frozen=True)
class Clock:
    """When rules are evaluated: every `step`, from 0 on."""

    step: timedelta

    def first(self, at: timedelta) -> timedelta:
        """The first evaluation from then on."""
        return max(-(-at // self.step), 0) * self.step

    def times(self, lasting: timedelta) -> timedelta:
        """How long that is in whole evaluations."""
        return -(-lasting // self.step) * self.step

    def span(self, first: timedelta, last: timedelta) -> Span:
        """The evaluations at which something that happens between these is seen first."""
        return Span(self.first(first), self.first(last))


@dataclass(frozen=True)
class Span:
    """The evaluation at which something happens: not before `first`, and not after `last`."""

    first: timedelta
    last: timedelta


@dataclass(frozen=True)
class Life:
    """An alert's condition holds from an evaluation within `begins` to one within `ends` (None: to the end).

    `begins` None: it never holds. An alert with several reasons has a life for each, told apart by a label (`only`);
    None: it has only one.
    """

    alert: Alert
    begins: Span | None
    ends: Span | None = None
    only: tuple[str, str] | None = None

    @property
    def signal(self) -> str:
        """The signal for which it fires."""
        return self.alert.conditions[0].signal.name if self.only is None else self.only[1]

    def state(self, at: timedelta, clock: Clock) -> str | None:
        """`firing`, `pending` or nothing ("") at an evaluation; None where that is not certain."""
        sustained, keep = clock.times(self.alert.sustained), clock.times(self.alert.keep_firing_for)
        if self.begins is None:
            return ""
        if self.alert.during is not None and at + clock.step >= self.alert.during:
            return None
        if at < self.begins.first:
            return ""
        ends = self.ends or Span(FOREVER, FOREVER)
        if self.begins.last + sustained <= at < ends.first + keep:
            return "firing" if self.begins.last + sustained < ends.first else None
        if self.begins.last <= at < min(self.begins.first + sustained, ends.first):
            return "pending"
        return "" if at >= ends.last + keep else None

    def turns(self, clock: Clock) -> Iterator[timedelta]:
        """The last moments at which it is still one thing, and the first at which it is another."""
        if self.begins is None:
            return
        sustained, keep = clock.times(self.alert.sustained), clock.times(self.alert.keep_firing_for)
        yield from (self.begins.first + sustained - clock.step, self.begins.last + sustained)
        if self.ends is not None:
            yield from (self.ends.first + keep - clock.step, self.ends.last + keep)


@dataclass(frozen=True)
class Context:
    """What the receiver says: the stage, until when it says so (None: all the time), and since when it is in it.

    Without `versions` it does not say which versions the arms are, or the story itself does.
    """

    stage: str | None = None
    until: timedelta | None = None
    entered: timedelta = NOTHING
    versions: bool = True

    def timeline(self, rollout: Rollout, scrape: timedelta, lasting: timedelta) -> Timeline:
        """Its series."""
        timeline, told = Timeline(scrape), dict[Key, At]()
        for stage in rollout.stages:
            labels = {names.ROLLOUT: rollout.name, names.STAGE: stage.name}
            told[Key.of(names.STAGE_METRIC, labels)] = At(Decimal(stage.name == self.stage))
            if stage.name == self.stage and any(alert.during for alert in rollout.alerts):
                told[Key.of(names.STAGE_ENTERED_METRIC, labels)] = At(
                    Decimal(str(self.entered.total_seconds()))
                )
        if self.versions:
            told |= attempt(rollout, 0 if self.stage is None else 1)
        timeline.play(told, lasting if self.until is None else self.until)
        if self.until is not None:
            timeline.play({}, lasting)
        return timeline


@dataclass(frozen=True)
class Text:
    """An alert as it is sent at a time: its labels beside the rule's own, and its value (None: it shows none)."""

    alert: Alert
    at: timedelta
    labels: Mapping[str, str]
    value: Decimal | None


@dataclass(frozen=True)
class Figure:
    """What is recorded at a time: one value of `series`, between these; None: it has none."""

    series: Selector
    at: timedelta
    between: tuple[Decimal, Decimal] | None


@dataclass(frozen=True)
class Untestable:
    """What promtool cannot be asked about a guardrail, and why; without `what` it cannot be asked anything."""

    about: str
    reason: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.about}{f', {self.what}' if self.what else ''}: {self.reason}"


@dataclass(frozen=True)
class Story:
    """One promise about one guardrail: what is fed, whose lives are certain, and when to look at them.

    One that counts targets has no others than those that it feeds.
    """

    promise: str
    about: str
    context: Context
    clock: Clock
    timeline: Timeline
    lives: tuple[Life, ...]
    looks: tuple[timedelta, ...]
    texts: tuple[Text, ...] = ()
    reads: tuple[Selector, ...] = field(default=(), repr=False)
    figures: tuple[Figure, ...] = ()
    counts_targets: bool = False

    @property
    def evaluations(self) -> int:
        """How many there are."""
        return self.end // self.clock.step + 1

    @property
    def asks(self) -> bool:
        """Whether it asks anything."""
        return bool(self.looks or self.texts or self.figures)

    @property
    def end(self) -> timedelta:
        """The last look."""
        return max([*self.looks, *(text.at for text in self.texts), *(figure.at for figure in self.figures)])

    def certain(self, at: timedelta) -> dict[tuple[str, tuple[str, str] | None], str]:
        """The state of every alert that is certain then, by its name and what tells its lives apart."""
        found: dict[tuple[str, tuple[str, str] | None], set[str | None]] = {}
        for life in self.lives:
            found.setdefault((life.alert.name, life.only), set()).add(life.state(at, self.clock))
        states = {}
        for name, some in found.items():  # of several lives the one it is in counts, if it is the only one
            if None not in some:
                states[name] = max(state or "" for state in some)
        return states


def turns(lives: Iterable[Life], clock: Clock) -> tuple[timedelta, ...]:
    """Every time at which one of them turns."""
    return tuple(sorted({at for life in lives for at in life.turns(clock) if NOTHING <= at < FOREVER}))


def alert_reason(alert: Alert, signal: str) -> tuple[str, str] | None:
    """What tells the life of an alert for this signal from those for its other reasons; None where it has no other."""
    several = len({condition.signal.name for condition in alert.conditions}) > 1
    return (names.SIGNAL, signal) if several else None
