"""A guardrail that sees → the story of all that it may lose, one thing after the other: it is blind each time, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import OTHER, At, Impossible, Key, matches
from handrail.emit.promtool.story import seen_before
from handrail.plan import (
    Absence,
    Alert,
    Changes,
    Condition,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    ReferenceKind,
    Rollout,
    Selector,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.units import span

from oracle.feeds import selectors
from oracle.pacing import FACTORS, scraped, simple
from oracle.series import Feeds, Timeline
from oracle.series_feeds import counts_targets
from oracle.stage_limits import StageLimits
from oracle.story import Course, Look, Reason, Story
from oracle.subject import Subject
from oracle.surroundings import Surroundings

LOSES = (
    "Blind without series, seeing with them; blind again when one of them is lost, when a histogram loses its buckets, and "
    "when what they show is no number"
)
MISSING, BUCKETS, NUMBERS = (
    "its metrics are missing",
    "its buckets are missing",
    "its values are no numbers",
)
NO_HISTORY = "there is no history of"
LOST, NAN = None, At(Decimal("NaN"))

Fault = tuple[str, tuple[Selector, ...], At | None]
"""Why it is then blind, which of its series it is, and what they show: nothing (LOST), or what is no value."""


@dataclass(frozen=True)
class Faults:
    """The faults of one guardrail, in a stage in which what it judges has traffic."""

    subject: Subject

    def story(self) -> Story:
        """At first it has nothing, then all; and then each evaluation finds another fault."""
        guardrail = self.subject.guardrail
        if not simple(self.subject):
            raise Impossible("what it looks back on, or what others look at too, goes on while it is lost")
        subject = scraped(self.subject, self._step)
        fed, healthy = Surroundings(subject), subject.fed(subject.healthy())
        found = list(dict.fromkeys(fault for s in guardrail.signals for fault in faults(subject.measure(s))))
        found.sort(key=lambda fault: fault[0] == NUMBERS)  # what is no number is remembered for a while
        nothing = list(reasons(subject.rollout, guardrail, subject.stage))
        asked = dict.fromkeys([*nothing, *(reason for reason, _, _ in found)])
        alerts: dict[Reason, Alert] = {(guardrail.blind.name, reason): guardrail.blind for reason in asked}
        course, looks = Course(self._step, Timeline(subject.rollout.scrape), alerts), list[Look]()
        nobody = {key: feed for key, feed in fed.beside.items() if not self._compared(key)}
        steps = [({**nobody, **seen_before(guardrail)}, nothing), ({**fed.beside, **healthy}, [])]
        steps += [({**fed.beside, **_at_fault(healthy, fault)}, [fault[0]]) for fault in found]
        for feeds, because in steps:
            known = {
                key: key[1] in because for key in alerts if because is nothing or NO_HISTORY not in key[1]
            }
            course.go_on(feeds, {key: known.get(key) for key in alerts}, subject.stage)
            looks += list(_looks(course))
        course.looks = looks
        reads = subject.reads()
        return course.story(
            LOSES,
            guardrail.name,
            (),
            reads,
            counts_targets=any(counts_targets(s.measure) for s in guardrail.signals),
        )

    def _compared(self, key: Key) -> bool:
        """Whether it is a figure that its limits are relative to, or the stable arm's."""
        subject, arms = self.subject, self.subject.guardrail.arms
        own = {names.ROLLOUT: subject.rollout.name, names.GUARDRAIL: subject.guardrail.name}
        captured = key.metric == names.REFERENCE_METRIC and own.items() <= key.labels.items()
        stable = any(one.kind is ReferenceKind.stable for one in subject.compared_with)
        is_stable = arms is not None and any(matches(one, key) for one in subject.reads())
        return (captured and key.labels[names.REFERENCE] != OTHER) or (stable and is_stable)

    @property
    def _step(self) -> timedelta:
        """Longer than all windows: nothing is left of what was there before."""
        rollout, guardrail = self.subject.rollout, self.subject.guardrail
        measures = [signal.measure for signal in guardrail.signals]
        conditions = [measure.condition for measure in measures if isinstance(measure, While)]
        widest = max(measure.width for measure in (*measures, *conditions))
        least = guardrail.blind.sustained or 10 * rollout.evaluate
        least = -(-least // rollout.evaluate) * rollout.evaluate
        step = next((least * factor for factor in FACTORS if least * factor > widest), None)
        if step is None or widest > timedelta(days=1):
            raise Impossible("it would last longer than a test should")
        return step


def _looks(course: Course) -> Iterator[Look]:
    """For each reason by itself, where it is certain."""
    for (name, reason), worlds in course.worlds.items():
        states = {world.state for world in worlds}
        if len(states) == 1:
            yield Look(course.now, {name: frozenset(states - {""})}, ("reason", reason))


def _at_fault(healthy: Feeds, fault: Fault) -> Feeds:
    _, lost, shown = fault
    found = {key: feed for key, feed in healthy.items() if not any(matches(one, key) for one in lost)}
    if shown is not LOST:
        found |= {key: shown for key in healthy if key not in found}
    return found


def faults(measure: Measure) -> Iterator[Fault]:
    """Everything that it may lose of its series."""
    own = tuple(selectors(measure))
    match measure:
        case While(inner, condition):
            if any(one.metric == other.metric for one in selectors(inner) for other in selectors(condition)):
                raise Impossible("what it measures and its condition look at the same series")
            yield from faults(inner)
            yield from (fault for fault in faults(condition) if isinstance(condition, Gauge | Usage | Rate))
        case Ratio(whole=whole):
            yield MISSING, whole, LOST
            yield NUMBERS, whole, NAN
        case Latency(native=False) | SlowerThan(native=False):
            count = (measure.histogram.suffixed("_count"),)
            yield MISSING, own, LOST
            yield BUCKETS, (measure.histogram.suffixed("_bucket"),), LOST
            yield NUMBERS, count, NAN
        case Usage(used, size):
            yield from ((MISSING, (one,), LOST) for one in own)
            yield from ((NUMBERS, (one,), At(Decimal(-1))) for one in used)
            if not isinstance(size, Decimal) and not measure.unlimited:
                yield from ((NUMBERS, (one,), At(Decimal(0))) for one in size)
        case Gauge() | State():
            yield MISSING, own, LOST
            yield NUMBERS, own, NAN
        case Increase(bound=None) | Rate():
            yield MISSING, own, LOST
        case Latency() | SlowerThan() | Increase():  # native, or bounded
            return
        case Growth() | Difference() | Timestamp() | Count() | Forecast() | Changes():
            return
        case StateChanges() | Absence() | PromQL():
            return


def reasons(rollout: Rollout, guardrail: Guardrail, stage: str | None) -> Iterator[str]:
    """Everything that it misses while there is nothing at all in a stage."""
    yield MISSING
    told = {reference for condition in used(guardrail) if (reference := condition.reference) is not None}
    if any(one.kind is ReferenceKind.before for one in told):
        yield "the figure from before the rollout is missing"
    for one in told:
        if one.kind is ReferenceKind.previous_stage:
            before = StageLimits(rollout, guardrail, stage).before(one)
            if before is not None:
                yield f"the figure of stage {before} is missing"
    if any(one.kind is ReferenceKind.stable for one in told):
        yield "the stable arm's metrics are missing"
    yield from (f"{NO_HISTORY} {span(one.ago)}" for one in told if one.ago is not None)


def used(guardrail: Guardrail) -> list[Condition]:
    """What its tiers and its success criteria compare."""
    tiers = [condition for alert in guardrail.alerts for condition in alert.conditions]
    return [*tiers, *(success.condition for success in guardrail.success)]
