"""What happens to one guardrail or objective, and for how long its alerts are certain to fire or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import At, Key, Timeline
from handrail.plan import Alert, Rollout, Selector

NOTHING = timedelta()
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


@dataclass(frozen=True)
class Span:
    """The evaluation at which something happens: not before `first`, and not after `last`."""

    first: timedelta
    last: timedelta


@dataclass(frozen=True)
class Life:
    """An alert's condition holds from an evaluation within `begins` to one within `ends` (None: to the end).

    Where it never begins, `begins` is None and it is silent from `silent` on. An alert with several reasons has a
    life for each, told apart by a label (`only`); None: it has only one.
    """

    alert: Alert
    begins: Span | None
    ends: Span | None = None
    silent: timedelta = NOTHING
    only: tuple[str, str] | None = None

    def state(self, at: timedelta, clock: Clock) -> str | None:
        """`firing`, `pending` or nothing ("") at an evaluation; None where that is not certain."""
        hold, keep = clock.times(self.alert.hold), clock.times(self.alert.keep_firing_for)
        if self.begins is None:
            return "" if at >= self.silent else None
        if self.alert.during is not None and at + clock.step >= self.alert.during:
            return None
        if at < self.begins.first:
            return ""
        ends = self.ends or Span(FOREVER, FOREVER)
        if self.begins.last + hold <= at < ends.first + keep:
            return "firing"
        if self.begins.last <= at < min(self.begins.first + hold, ends.first):
            return "pending"
        return "" if at >= ends.last + keep else None

    def turns(self, clock: Clock) -> Iterator[timedelta]:
        """The last moments at which it is still one thing, and the first at which it is another."""
        if self.begins is None:
            return
        hold, keep = clock.times(self.alert.hold), clock.times(self.alert.keep_firing_for)
        yield from (self.begins.first + hold - clock.step, self.begins.last + hold)
        if self.ends is not None:
            yield from (self.ends.first + keep - clock.step, self.ends.last + keep)


@dataclass(frozen=True)
class Context:
    """What the receiver says: the stage, for how long it says so (None: all the time), and since when it is in it.

    `then` are stages that follow, each `every` so long, the first one after as long as it takes to `settle`.
    """

    stage: str | None = None
    until: timedelta | None = None
    entered: timedelta = NOTHING
    then: tuple[str | None, ...] = ()
    settle: timedelta = NOTHING
    every: timedelta = NOTHING

    def timeline(self, rollout: Rollout, scrape: timedelta, lasting: timedelta) -> Timeline:
        """Its series."""
        timeline = Timeline(scrape)
        if self.until is not None:
            timeline.play(self._told(rollout, self.stage), self.until)
            timeline.play({}, scrape)
            return timeline
        for number, stage in enumerate((self.stage, *self.then)):
            timeline.play(self._told(rollout, stage), self.every if number else self.settle or lasting)
        return timeline

    def _told(self, rollout: Rollout, current: str | None) -> dict[Key, At]:
        feeds: dict[Key, At] = {}
        for stage in rollout.stages:
            labels = {names.ROLLOUT: rollout.name, names.STAGE: stage.name}
            feeds[Key.of(names.STAGE_METRIC, labels)] = At(Decimal(stage.name == current))
            if stage.name == current and any(alert.during for alert in rollout.alerts):
                since = Decimal(str(self.entered.total_seconds()))
                feeds[Key.of(names.STAGE_ENTERED_METRIC, labels)] = At(since)
        return feeds


@dataclass(frozen=True)
class Text:
    """An alert as it is sent at a time: its labels beside the rule's own, and its value (None: it shows none)."""

    alert: Alert
    at: timedelta
    labels: Mapping[str, str]
    value: Decimal | None


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

    It is true of `whatever` values the series have where only their being there counts.
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
    whatever: bool = False

    @property
    def evaluations(self) -> int:
        """How many there are."""
        return self.end // self.clock.step + 1

    @property
    def end(self) -> timedelta:
        """The last look."""
        return max([*self.looks, *(text.at for text in self.texts)])

    def certain(self, at: timedelta) -> dict[tuple[str, tuple[str, str] | None], str]:
        """The state of every alert that is certain then, by its name and what tells its lives apart."""
        states = {(life.alert.name, life.only): life.state(at, self.clock) for life in self.lives}
        return {name: state for name, state in states.items() if state is not None}


def turns(lives: Iterable[Life], clock: Clock) -> tuple[timedelta, ...]:
    """Every time at which one of them turns."""
    return tuple(sorted({at for life in lives for at in life.turns(clock) if at >= NOTHING}))
