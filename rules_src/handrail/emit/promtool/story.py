"""What is fed up to each evaluation, and which alerts then hold a breach → which alerts are pending or fire at each.

An alert is what Prometheus makes of it: pending from the first evaluation with a breach, firing once that is sustained,
and kept for as long as declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.series import At, Feeds, Key, Timeline
from handrail.plan import Alert, Guardrail, Selector

NOTHING = timedelta()
PENDING, FIRING = "pending", "firing"
COMPACTED = timedelta(hours=36)
"""Once promtool's store holds more, it cuts blocks of a day out of its memory, beside the evaluations, and may then lose the
first sample of a series that begins.
"""
UNHEARD = ""
"""In the place of a stage: nobody reports it."""


def far(step: timedelta) -> bool:
    """Whether evaluations are so far apart that the third comes when samples may be lost: who fires is then asked of the alerts
    themselves, not of the series `ALERTS`, and what is fed has two samples.
    """
    return 2 * step > COMPACTED


Instance = tuple[str, str, str]
"""An alert's name, and the label with its value that says for what it fires: a signal, a window, a reason; "" for none."""


def instance(alert: Alert, label: str = "", value: str = "") -> Instance:
    """The alert as it fires for one thing."""
    return (alert.name, label if value else "", value)


Breach = tuple[Instance, Alert, Mapping[str, str], Decimal]
"""For what an alert fires, the alert, the labels of what it fires for, and its value."""


def seen_before(guardrail: Guardrail) -> Feeds:
    """What is remembered of an optional guardrail whose metrics have been there; nothing for any other."""
    seen = guardrail.seen
    return {} if seen is None else {Key.of(seen.record, dict(seen.labels)): At(Decimal(1))}


@dataclass(frozen=True)
class Untestable:
    """What promtool cannot be asked, and why."""

    about: str
    reason: str

    def __str__(self) -> str:
        return f"{self.about}: {self.reason}"


@dataclass(frozen=True)
class Text:
    """An alert as it is sent at a time: its labels beside the rule's own, and its value (None: it shows none)."""

    alert: Alert
    at: timedelta
    labels: Mapping[str, str]
    value: Decimal | None


@dataclass(frozen=True)
class Silent:
    """An alert that does not fire at a time."""

    alert: Alert
    at: timedelta


@dataclass(frozen=True)
class Look:
    """The states in which instances of these alerts are at a time, those left out that are in none; `only` those with a label."""

    at: timedelta
    alerts: tuple[str, ...]
    states: Mapping[Instance, str]
    only: tuple[str, str] | None = None


@dataclass(frozen=True)
class Figure:
    """What is recorded at a time: the sum of what the selector selects; `count` says of how many series (0: there is none)."""

    at: timedelta
    series: Selector
    value: Decimal
    count: int = 1


@dataclass(frozen=True)
class Story:
    """One test case: what is fed, evaluated every `step`, and what is asked.

    `stages` are those the rollout is in up to each evaluation; the last goes on. `notes` say what is new at an evaluation.
    """

    name: str
    step: timedelta
    timeline: Timeline
    stages: tuple[str | None, ...]
    looks: tuple[Look, ...] = ()
    texts: tuple[Text | Silent, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: Mapping[timedelta, tuple[str, ...]] = field(default_factory=dict)

    @property
    def end(self) -> timedelta:
        """The last look."""
        asked = (*self.looks, *self.texts, *self.figures)
        return max([one.at for one in asked], default=NOTHING)

    @property
    def fires(self) -> set[str]:
        """The alerts that it shows firing."""
        looked = {
            name for look in self.looks for (name, _, _), state in look.states.items() if state == FIRING
        }
        return looked | {one.alert.name for one in self.texts if isinstance(one, Text)}


@dataclass(frozen=True)
class Lifecycle:
    """How an alert has come so far: when its breach began and ended, and whether it fires."""

    since: timedelta | None = None
    firing: bool = False
    over: timedelta | None = None

    @property
    def state(self) -> str:
        """In which state the alert is; "" if in none."""
        return FIRING if self.firing else PENDING if self.since is not None else ""

    def then(self, alert: Alert, now: timedelta, *, breach: bool) -> Lifecycle:
        """At the next evaluation."""
        if breach:
            if self.firing and self.over is None:
                return self
            since = now if self.since is None else self.since
            return Lifecycle(since, self.firing or now - since >= alert.sustained)
        if not self.firing:
            return NEVER
        over = now if self.over is None else self.over
        return Lifecycle(self.since, True, over) if now - over < alert.keep_firing_for else NEVER


def _in(stage: str | None) -> str:
    if stage == UNHEARD:
        return "nobody reports the stage"
    return "no attempt is active" if stage is None else f"in stage {stage}"


NEVER = Lifecycle()
"""Of an alert that was in no breach, or is over."""


@dataclass
class Course:
    """One evaluation after the other, every `step`."""

    step: timedelta
    timeline: Timeline
    alerts: Mapping[Instance, Alert]
    now: timedelta = NOTHING
    stages: list[str | None] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    lives: dict[Instance, Lifecycle | None] = field(default_factory=dict)
    """How each has come so far; None where that is not certain."""
    states: list[Text | Silent] = field(default_factory=list)
    """Which alerts fire, and which do not, where evaluations are far apart and that was told."""
    notes: dict[timedelta, tuple[str, ...]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def next(self) -> timedelta:
        """The time of the next evaluation."""
        return self.now + self.step if self.stages else NOTHING

    def go_on(
        self,
        feeds: Feeds,
        breaches: Iterable[Instance],
        stage: str | None,
        *,
        unknown: Iterable[Instance] = (),
        shown: Iterable[str] = (),
    ) -> None:
        """Feed these up to the next evaluation, at which there are these breaches; of those `unknown` nobody knows.

        `shown` says for people what there is at it; what is new then is noted.
        """
        self.now = self.next
        self.timeline.play(feeds, self.now)
        self.stages.append(stage)
        held, unsure = set(breaches), set(unknown)
        for one, alert in self.alerts.items():
            before = self.lives.get(one, NEVER)
            if one in unsure or (before is None and one in held):
                self.lives[one] = None
            else:
                self.lives[one] = (before or NEVER).then(alert, self.now, breach=one in held)
        kept = sorted({one[0] for one, life in self.lives.items() if life and life.over is not None})
        told = [_in(stage), *shown, *([f"kept: {', '.join(kept)}"] if kept else [])]
        self.notes[self.now] = tuple(one for one in told if one not in self.told)
        self.told = told
        self.looks.append(self.look())

    def look(self, only: tuple[str, str] | None = None) -> Look:
        """All of its alerts as they are now, or only those that fire for one thing."""
        known = ((one, life) for one, life in self.lives.items() if life is not None)
        chosen = {one: life.state for one, life in known if only in (None, one[1:])}
        alerts = tuple(sorted({name for name, _, _ in chosen}))
        return Look(self.now, alerts, {one: state for one, state in chosen.items() if state}, only)

    def fires(self, name: str) -> bool:
        """Whether an alert fires, for whatever it may."""
        return any(
            life.firing for (one, _, _), life in self.lives.items() if one == name and life is not None
        )

    def tell(self, breaches: Iterable[Breach], texts: dict[str, list[Text]]) -> None:
        """Add the texts of each alert, once, that fires now for just these breaches."""
        by_alert, firing, now = dict[str, list[Breach]](), self._firing(), list[Text | Silent]()
        for breach in breaches:
            by_alert.setdefault(breach[1].name, []).append(breach)
        for name, several in by_alert.items():
            if firing.get(name) == {one for one, _, _, _ in several}:
                told = [Text(alert, self.now, labels, value) for _, alert, labels, value in several]
                now += told
                texts.setdefault(name, told)
        if far(self.step):  # otherwise its looks say so
            perhaps = {one[0] for one, life in self.lives.items() if life is None or life.firing}
            every = {alert.name: alert for alert in self.alerts.values()}
            now += [Silent(alert, self.now) for name, alert in every.items() if name not in perhaps]
            self.states += now

    def _firing(self) -> Mapping[str, set[Instance]]:
        found: dict[str, set[Instance]] = {}
        for one, life in self.lives.items():
            if life is not None and life.firing:
                found.setdefault(one[0], set()).add(one)
        return found

    def story(self, name: str, texts: Iterable[Text] = (), figures: Iterable[Figure] = ()) -> Story:
        """All of it."""
        looks = () if self.states else tuple(look for look in self.looks if look.alerts)
        told = (looks, tuple(self.states or texts), tuple(figures))
        return Story(name, self.step, self.timeline, tuple(self.stages), *told, self.notes)
