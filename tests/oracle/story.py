"""What is fed up to each evaluation, and which alerts then hold a breach → which alerts are pending or fire at each.

An alert is what Prometheus makes of it: pending from the first evaluation with a breach, firing once that is sustained,
and kept for as long as declared. Where it is not certain whether there is a breach, both are thought through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from handrail.contract import names
from handrail.emit.promtool.story import FIRING, NOTHING, Lifecycle, Text
from handrail.plan import Alert, Selector

from oracle.series import Feeds, Timeline

FIRES = frozenset({FIRING})

Reason = tuple[str, str]
"""An alert's name and that for which it fires: a signal, or a window of an objective."""


@dataclass(frozen=True)
class Look:
    """The states in which alerts are at a time, by their names; of those alone with a label, if `only` is there."""

    at: timedelta
    states: Mapping[str, frozenset[str]]
    only: tuple[str, str] | None = None


@dataclass(frozen=True)
class Labelled:
    """An alert that is there at a time, with its labels alone: its texts cannot be told to the last digit."""

    at: timedelta
    alert: Alert
    only: tuple[str, str] | None


@dataclass(frozen=True)
class Story:
    """One promise about one guardrail: what is fed, evaluated every `step`, and what is asked.

    `stages` are those the rollout is in up to each evaluation; the last goes on. One that counts targets has no others
    than those that it feeds.
    """

    promise: str
    about: str
    step: timedelta
    timeline: Timeline
    stages: tuple[str | None, ...]
    looks: tuple[Look, ...]
    texts: tuple[Text, ...] = ()
    reads: tuple[Selector, ...] = field(default=(), repr=False)
    counts_targets: bool = False
    labelled: tuple[Labelled, ...] = ()

    @property
    def end(self) -> timedelta:
        """The last look."""
        asked: tuple[Look | Text, ...] = (*self.looks, *self.texts)
        return max((one.at for one in asked), default=NOTHING)


@dataclass
class Course:
    """One evaluation after the other, every `step`."""

    step: timedelta
    timeline: Timeline
    alerts: Mapping[Reason, Alert]
    reason: str = names.SIGNAL  # the label that says for which an alert fires
    now: timedelta = NOTHING
    stages: list[str | None] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    worlds: dict[Reason, frozenset[Lifecycle]] = field(default_factory=dict)

    @property
    def next(self) -> timedelta:
        """The time of the next evaluation."""
        return self.now + self.step if self.stages else NOTHING

    def go_on(
        self,
        feeds: Feeds,
        breaches: Mapping[Reason, bool | None],
        stage: str | None,
    ) -> None:
        """Feed these up to the next evaluation, at which there are these breaches."""
        self.now = self.next
        self.timeline.play(feeds, self.now)
        self.stages.append(stage)
        for reason, alert in self.alerts.items():
            breach = breaches.get(reason, False)
            verdicts = (True, False) if breach is None else (breach,)
            before = self.worlds.get(reason, frozenset({Lifecycle()}))
            self.worlds[reason] = frozenset(
                world.then(alert, self.now, breach=one) for world in before for one in verdicts
            )
        names_of = [name for name, _ in self.alerts]
        alone = {name for name in names_of if names_of.count(name) == 1}
        self.looks.append(Look(self.now, {name: s for name, s in self.states.items() if name in alone}))
        for signal in dict.fromkeys(signal for name, signal in self.alerts if name not in alone):
            states = {
                name: frozenset({world.state for world in worlds} - {""})
                for (name, reason), worlds in self.worlds.items()
                if reason == signal and name not in alone and len({world.state for world in worlds}) == 1
            }
            self.looks.append(Look(self.now, states, only=(self.reason, signal)))

    @property
    def states(self) -> dict[str, frozenset[str]]:
        """Of every alert of which that is certain the states in which it is, for whichever reason."""
        found: dict[str, set[str] | None] = {}
        for (name, _), worlds in self.worlds.items():
            states = {world.state for world in worlds}
            so_far = found.setdefault(name, set())
            if len(states) > 1 or so_far is None:
                found[name] = None
            else:
                so_far |= states
        return {name: frozenset(some - {""}) for name, some in found.items() if some is not None}

    def story(
        self,
        promise: str,
        about: str,
        texts: Iterable[Text] = (),
        reads: Iterable[Selector] = (),
        *,
        counts_targets: bool = False,
    ) -> Story:
        """All of it."""
        looks = tuple(look for look in self.looks if look.states)
        return Story(
            promise,
            about,
            self.step,
            self.timeline,
            tuple(self.stages),
            looks,
            tuple(texts),
            tuple(reads),
            counts_targets,
        )


def labelled(stories: Iterable[Story], alerts: Iterable[Alert]) -> list[Story]:
    """The same stories; the labels of an alert whose texts none of them asks are asked where it surely is there."""
    found = list(stories)
    told = {text.alert.name for story in found for text in story.texts}
    for alert in alerts:
        seen = (
            (place, look)
            for place, story in enumerate(found)
            for look in story.looks
            if look.states.get(alert.name)
        )
        first = next(seen, None) if alert.name not in told else None
        if first is not None:
            place, look = first
            more = Labelled(look.at, alert, look.only)
            found[place] = replace(found[place], labelled=(*found[place].labelled, more))
    return found
