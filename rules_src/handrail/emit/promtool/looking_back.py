"""Alerts that look back on what the service itself showed some time ago → each condition of theirs, and how far back it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from handrail.emit.promtool.arithmetic import parts, selectors
from handrail.emit.promtool.attempts import stable_of
from handrail.emit.promtool.boundaries import of_unknown_series
from handrail.emit.promtool.recorded import Recorded
from handrail.emit.promtool.series import common
from handrail.emit.promtool.story import Untestable
from handrail.emit.promtool.verdicts import FREE, certain, stages_of
from handrail.plan import Alert, Condition, Guardrail, Measure, Rate, Rollout, narrowed

PAST = "no test series gives the past value that it compares with"
CLOSE = "the window of now reaches back to the past value"


@dataclass(frozen=True)
class Looking:
    """A condition of an alert that looks so far back."""

    here: Recorded
    alert: Alert
    condition: Condition

    @property
    def back(self) -> timedelta:
        """How far back that ends what it looks at."""
        reference, measure = self.condition.reference, self.condition.signal.measure.inner
        return (reference.ago if reference else None) or measure.width

    @property
    def width(self) -> timedelta:
        """How long that lasts."""
        ago = self.condition.reference is not None
        return max(part.width for part in parts(self.condition.signal.measure)) if ago else timedelta()

    @property
    def group(self) -> dict[str, str]:
        """The labels of what is judged, as the series of back then have them."""
        measure = self.condition.signal.measure
        return {label: common(selectors(measure.inner), label, "x") for label in measure.labels}

    @property
    def measure(self) -> Measure:
        """What was measured then: of the stable arm, where it is known which one that was."""
        signal, arms = self.condition.signal, self.here.guardrail.arms
        if arms is None or arms.told or not signal.arm_labels:
            return signal.measure
        return narrowed(signal.measure, (arms.label, "=", stable_of(arms)))


def of_free(guardrail: Guardrail) -> Iterator[Untestable]:
    """Its alerts that compare a free expression with the past."""
    for alert in guardrail.alerts:
        if any(
            one.reference is not None and one.reference.ago is not None and of_unknown_series(one.signal)
            for one in alert.conditions
        ):
            yield Untestable(f"{guardrail.name}, {alert.tier}", FREE)


def looking(rollout: Rollout, guardrail: Guardrail) -> Iterator[Looking]:
    """Every condition that compares with the past, or asks for what was there a window ago, and can be fed."""
    free = [one.name for one in guardrail.signals if of_unknown_series(one)]
    known = certain(guardrail)
    for alert in guardrail.alerts:
        if alert in known or any(one.signal.name in free for one in alert.conditions):
            continue
        for one in alert.conditions:
            stage = next((s for s in stages_of(rollout) if one.figure_in(s) is not None), None)
            ago = one.reference is not None and one.reference.ago is not None
            if ago or (
                one.reference is None and not one.is_upper and isinstance(one.signal.measure.inner, Rate)
            ):
                yield Looking(Recorded(rollout, guardrail, stage), alert, one)
