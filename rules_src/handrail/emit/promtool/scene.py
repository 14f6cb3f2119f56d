"""A guardrail + what happens to it, phase by phase → one Scenario: its input series and what it is to prove."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail import names
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.series import At, Key, Rise, Sampled, Tape, labels_of
from handrail.emit.promtool.stimulus import Feeds
from handrail.plan import Alert, Guardrail, Rollout

LONGEST = 400
"""Evaluations in one scenario: more would take promtool too long."""


@dataclass(frozen=True)
class Scenario:
    """One thing that a guardrail promises, with what is fed in to see it.

    `fires` must fire at some time and `silent` never from the scrape `settled` on; `promise` is the sentence,
    `about` whom it is about. `texts` are the alerts whose whole labels and annotations are compared when they
    first fire. `looks` are scrapes at which the recorded values are asked for beside. `shared` says that others may be played with it even where they feed what it reads.
    """

    promise: str
    about: str
    guardrail: Guardrail
    tapes: dict[Key, Tape]
    length: int
    fires: tuple[Alert, ...] = ()
    silent: tuple[Alert, ...] = ()
    texts: tuple[Alert, ...] = ()
    settled: int = 0
    shared: bool = True
    looks: tuple[int, ...] = ()

    def samples(self, scrape: timedelta) -> list[Sampled]:
        """The series as Prometheus stores them."""
        return samples(self.tapes, scrape)


def samples(tapes: dict[Key, Tape], scrape: timedelta) -> list[Sampled]:
    """What is written down, as Prometheus stores it."""
    every = ms(scrape)
    return [
        Sampled(key, [index * every for index in tape.points], tape.values, [i * every for i in tape.stale])
        for key, tape in tapes.items()
    ]


@dataclass
class Scene:
    """What has been written down so far, `clock` scrapes long."""

    rollout: Rollout
    tapes: dict[Key, Tape] = field(default_factory=dict)
    clock: int = 0
    feeds: Feeds = field(default_factory=dict)

    def scrapes(self, *times: timedelta) -> int:
        """How many scrapes cover the sum of these times."""
        return -(-sum(map(ms, times)) // ms(self.rollout.scrape))

    def play(self, feeds: Feeds, scrapes: int) -> None:
        """Feed these series, and no others, for so many scrapes."""
        for key, feed in feeds.items():
            tape = self.tapes.setdefault(key, Tape())
            tape.gap(self.clock - tape.length)
            tape.play(feed, scrapes)
        self.clock += max(scrapes, 0)
        self.feeds = feeds

    def rest(self, around: Feeds, scrapes: int) -> None:
        """Every counter stands still; `around` goes on."""
        still: Feeds = {
            key: Rise(Decimal(0)) if isinstance(feed, Rise) else feed for key, feed in self.feeds.items()
        }
        self.play({**still, **around}, scrapes)

    def miss(self, keys: Iterable[Key], around: Feeds) -> None:
        """One scrape of these series fails while they count on."""
        feeds = self.feeds
        missed = [key for key in keys if key in feeds]
        for key in missed:
            feed = feeds[key]
            self.tapes[key].mark(feed.step if isinstance(feed, Rise) else Decimal(0))
        self.play({key: feed for key, feed in feeds.items() if key not in missed} | around, 1)
        self.feeds = feeds

    def vanish(self, keys: Iterable[Key], around: Feeds, scrapes: int) -> None:
        """These series are gone, for so many scrapes, and come back as those of a new process."""
        gone = list(keys)
        for key in gone:
            self.tapes[key].mark()
            self.tapes[key].lose()
        self.play(around, scrapes)


def surroundings(
    rollout: Rollout, stage: str | None, references: dict[tuple[str, str], Decimal], entered: Decimal
) -> Feeds:
    """What is there beside the service's metrics: a Prometheus that is up, and what the receiver says.

    Of a captured figure a second receiver says less: the greatest is taken.
    """
    found: Feeds = {Key("up", labels_of([("job", "prometheus")])): At(Decimal(1))}
    for known in rollout.stages:
        now = Decimal(int(known.name == stage))
        found[stage_key(rollout, known.name)] = At(now)
    if rollout.stages and stage is not None:
        entry = labels_of([(names.ROLLOUT, rollout.name), (names.STAGE, stage)])
        found[Key(names.STAGE_ENTERED_METRIC, entry)] = At(entered)
    for (guardrail, reference), figure in references.items():
        told = reference_key(rollout, guardrail, reference)
        second = labels_of([*told.labels, ("instance", "second")])
        found[told] = At(figure)
        found[Key(told.metric, second)] = At(figure - abs(figure) / 2)
    return found


def stage_key(rollout: Rollout, stage: str) -> Key:
    """The series that says whether the rollout is in a stage."""
    return Key(names.STAGE_METRIC, labels_of([(names.ROLLOUT, rollout.name), (names.STAGE, stage)]))


def reference_key(rollout: Rollout, guardrail: str, reference: str) -> Key:
    """The series of a captured figure."""
    labels = [(names.ROLLOUT, rollout.name), (names.GUARDRAIL, guardrail), (names.REFERENCE, reference)]
    return Key(names.REFERENCE_METRIC, labels_of(labels))
