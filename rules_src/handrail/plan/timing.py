"""An alert of the plan → how long it takes from the breach to the alert, the decision and the rollback.

    breach → seen → in the value → judged → sustained → told → asked again → done
             scrape  window        evaluation sustained   wait    confirm      act

Every term is an upper bound, so every sum is one. There are two kinds of breach, which differ only in the window's term:
`sudden`, when everything fails from one moment on, and `slight`, when the value is just over its limit and must fill
the window first. Of what has no whole that could fail, a count or a rate, twice its limit is `sudden`. How long it is
sustained is counted in whole evaluations, as Prometheus does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail import plan
from handrail.contract import names
from handrail.plan.routing import HandrailReceiver, routes_of
from handrail.units import duration

NOTHING = timedelta()

_RANGE = re.compile(r"\[((?:\d+(?:ms|[smhdw]))+)")


@dataclass(frozen=True)
class Times:
    """The terms of the sum. `sudden` and `slight` are what the measure's window adds."""

    scrape: timedelta
    sudden: timedelta
    slight: timedelta
    evaluation: timedelta
    sustained: timedelta
    wait: timedelta
    confirm: timedelta
    act: timedelta

    @property
    def rule(self) -> timedelta:
        """From a value that is over its limit to the alert: nothing but the rule's own time."""
        return self.evaluation + self.sustained

    @property
    def fires(self) -> timedelta:
        """From a sudden breach to the alert."""
        return self.scrape + self.sudden + self.rule

    @property
    def fires_at_last(self) -> timedelta:
        """From a slight breach to the alert."""
        return self.scrape + self.slight + self.rule

    @property
    def decided(self) -> timedelta:
        """From a sudden breach to the decision."""
        return self.fires + self.wait + self.confirm

    @property
    def beside_window(self) -> timedelta:
        """What the decision takes beside the window: what a budget leaves of it may pass there."""
        return self.decided - self.sudden

    @property
    def done(self) -> timedelta:
        """From a sudden breach to the last step of the action, when each step takes its time limit once."""
        return self.decided + self.act

    @property
    def done_at_last(self) -> timedelta:
        """From a slight breach to the last step of the action."""
        return self.fires_at_last + self.wait + self.confirm + self.act


def timing(rollout: plan.Rollout) -> dict[str, Times]:
    """The times of every alert of guardrails and objectives, by alert name."""
    confirms = {
        tier.alertname: timedelta(seconds=tier.confirmation.after)
        for guardrail in rollout.playbook.guardrails
        for tier in guardrail.tiers
        if tier.confirmation is not None
    }
    return {
        alert.name: _times(alert, sudden, slight, confirms.get(alert.name, NOTHING), rollout)
        for alert, sudden, slight in _alerts(rollout)
    }


def measured_alike(guardrails: Sequence[plan.Guardrail]) -> list[tuple[plan.Guardrail, ...]]:
    """The guardrails that act, those together that measure one thing in windows of different lengths.

    A short window is there for speed and a long one for thin traffic: what one of them sees, the other need not.
    """
    alike: dict[object, list[plan.Guardrail]] = {}
    for guardrail in guardrails:
        if not guardrail.shadow:
            alike.setdefault((guardrail.arms, _windowless(guardrail)), []).append(guardrail)
    return [tuple(group) for group in alike.values()]


def _windowless(guardrail: plan.Guardrail) -> object:
    """What is measured, whatever the window and however many events it needs; a comparison of traffic is like no other.

    A share slower than a bound above 5 % is a 95th percentile above that bound.
    """
    measure = guardrail.signals[0].measure if guardrail.signals else None
    match measure:
        case plan.Ratio():
            return replace(measure, window=NOTHING, min_events=1, min_bad=1)
        case plan.Latency(histogram=histogram, q=q):
            return histogram, measure.labels, frozenset({q})
        case plan.SlowerThan(histogram=histogram):
            acting = (alert for alert in guardrail.alerts if alert.action in names.ACTING)
            figures = (figure for alert in acting for figure in alert.conditions[0].figures)
            return histogram, measure.labels, frozenset(1 - figure for figure in figures)
        case plan.Increase() | plan.Rate() | plan.Gauge():
            return replace(measure, window=NOTHING)
        case plan.Growth() | plan.Changes() | plan.Forecast() | plan.Count() | plan.Absence():
            return measure  # its window is a part of what is measured
        case plan.Usage() | plan.State() | plan.StateChanges() | plan.Difference() | plan.Timestamp():
            return measure
        case plan.While() | plan.PromQL():
            return measure
        case None:
            return guardrail.name


def first_to_act(
    guardrails: Sequence[plan.Guardrail],
    stages: Sequence[plan.Stage],
    times: Mapping[str, Times],
    takes: Callable[[Times], timedelta],
) -> list[tuple[plan.Guardrail, plan.Alert]]:
    """The acting alert that takes the shortest time: in each stage, and outside of stages; without repeats."""
    acting = [
        (guardrail, alert)
        for guardrail in guardrails
        for alert in guardrail.alerts
        if alert.action in names.ACTING
    ]
    first = []
    for stage in (None, *(stage.name for stage in stages)):
        here = [
            (guardrail, alert)
            for guardrail, alert in acting
            if any(one.figure_in(stage) is not None for one in alert.conditions)
        ]
        first += [min(here, key=lambda one: takes(times[one[1].name]))] if here else []
    return list({alert.name: (guardrail, alert) for guardrail, alert in first}.values())


def _alerts(rollout: plan.Rollout) -> Iterator[tuple[plan.Alert, timedelta, timedelta]]:
    for guardrail in rollout.guardrails:
        for alert in guardrail.alerts:
            if guardrail.split is not None:  # how soon it is sure depends on how many requests there are
                yield alert, guardrail.split.window, guardrail.split.window
                continue
            windows = [window(condition) for condition in alert.conditions]
            yield alert, max(sudden for sudden, _ in windows), max(slight for _, slight in windows)
        if guardrail.split is not None:
            yield guardrail.blind, 2 * rollout.scrape, 2 * rollout.scrape + 2 * rollout.evaluate
            continue
        leaves = max((signal.measure.width for signal in guardrail.signals), default=NOTHING)
        yield guardrail.blind, leaves, leaves
        if guardrail.thin is not None:
            yield guardrail.thin, leaves, leaves
    for slo in rollout.slos:
        for alert, (_, burns) in zip(slo.alerts, slo.burns, strict=True):
            budget = float(1 - slo.objective)
            sudden = min(burn.long * min(1.0, float(burn.factor) * budget) for burn in burns)
            yield alert, sudden, max(burn.long for burn in burns)
        yield slo.blind, NOTHING, NOTHING


def _times(
    alert: plan.Alert, sudden: timedelta, slight: timedelta, confirm: timedelta, rollout: plan.Rollout
) -> Times:
    return Times(
        scrape=rollout.scrape,
        sudden=sudden,
        slight=slight,
        evaluation=rollout.evaluate,
        sustained=-(-alert.sustained // rollout.evaluate) * rollout.evaluate,
        wait=_wait(alert, rollout),
        confirm=confirm,
        act=acting_time(alert.action, rollout),
    )


def window(condition: plan.Condition) -> tuple[timedelta, timedelta]:
    """How long the window hides a sudden and a slight breach of this condition."""
    measure, upper = condition.signal.measure.inner, condition.is_upper
    match measure:
        case plan.Ratio(bad=bad, window=whole):
            return whole * _filled(condition, towards=bad), whole
        case plan.SlowerThan(window=whole):
            return whole * _filled(condition, towards=True), whole
        case plan.Latency(window=whole, q=q):
            return (whole * float(1 - q) if upper else whole), whole
        case plan.Increase(window=whole) | plan.Changes(window=whole) if upper:
            return (whole / 2, whole) if _largest(condition) else (NOTHING, NOTHING)
        case plan.Rate(window=whole) if upper and condition.reference is None:
            return whole / 2, whole
        case plan.Gauge(window=whole, over=over) if whole is not None:
            at_once = upper == (over != "min")
            return (NOTHING, NOTHING) if at_once else (whole, whole)
        case (
            plan.Increase(window=whole)
            | plan.Changes(window=whole)
            | plan.Forecast(window=whole)
            | plan.Rate(window=whole)
            | plan.Growth(window=whole)
            | plan.Absence(window=whole)
        ):
            return whole, whole
        case plan.Count(window=whole) if whole is not None:
            if upper and not _largest(condition):
                return NOTHING, NOTHING
            return (whole / 2 if upper else whole), whole  # who is gone counts until the window is over
        case plan.PromQL():
            return looks_back(measure), looks_back(measure)
        case plan.Gauge() | plan.Usage() | plan.Difference() | plan.Timestamp() | plan.Count():
            return NOTHING, NOTHING
        case plan.State() | plan.StateChanges():
            return NOTHING, NOTHING


def looks_back(measure: plan.Measure) -> timedelta:
    """How far back a measure looks."""
    if isinstance(measure, plan.While):
        return max(looks_back(measure.measure), looks_back(measure.condition))
    if isinstance(measure, plan.PromQL):
        return max((duration(text) for text in _RANGE.findall(measure.expr)), default=NOTHING)
    return measure.width


def _filled(condition: plan.Condition, *, towards: bool) -> float:
    # When everything fails, the share moves from 0 to 1 (or from 1 to 0) evenly over the window. Where the
    # breach is the other way round, or the limit is only known at run time, the whole window counts.
    if condition.reference is not None or condition.is_upper != towards:
        return 1.0
    figures = condition.figures
    share = max(figures) if condition.is_upper else 1 - min(figures)
    return float(min(Decimal(1), max(Decimal(0), share)))


def _largest(condition: plan.Condition) -> bool:
    return condition.reference is not None or any(figure > 0 for figure in condition.figures)


def acting_time(action: str, rollout: plan.Rollout) -> timedelta:
    """The longest that the steps of an action take if each succeeds at its first try."""
    playbook_action = rollout.playbook.action(action)
    return (
        timedelta(seconds=sum(step.timeout for step in playbook_action.steps)) if playbook_action else NOTHING
    )


def _wait(alert: plan.Alert, rollout: plan.Rollout) -> timedelta:
    """The group wait of the quickest route to the receiver."""
    acting_receivers = {
        receiver.name
        for receiver in rollout.routing.receivers
        if any(isinstance(channel, HandrailReceiver) for channel in receiver.channels)
    }
    routes = routes_of(rollout.routing, {names.ALERTNAME: alert.name, **dict(alert.labels)})
    return min((route.timing.wait for route in routes if route.receiver in acting_receivers), default=NOTHING)
