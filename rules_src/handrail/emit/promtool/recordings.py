"""A guardrail → what other rules record and what the receiver says of others, far over every limit."""

from __future__ import annotations

from decimal import Decimal

from handrail import names
from handrail.emit.promtool.frame import UPWARDS, Frame
from handrail.emit.promtool.recorded import OTHER
from handrail.emit.promtool.scene import stage_key
from handrail.emit.promtool.series import At, Key, labels_of
from handrail.emit.promtool.stimulus import Feeds

FAR = Decimal(10**15)
"""Over every limit."""


def strange_recordings(frame: Frame, *, own_is_gone: bool = False) -> Feeds:
    """What other rules record under the same names: other rollouts, guardrails, signals and the stable arm.

    With `own_is_gone` it is the traffic of another arm that is there, and not its value.
    """
    found: Feeds = {}
    for signal in frame.guardrail.signals:
        up = all(condition.op in UPWARDS for condition in frame.conditions(signal))
        far, beside = (FAR, "high") if up else (Decimal(0), "low")
        own = {
            names.ROLLOUT: frame.rollout.name,
            names.GUARDRAIL: frame.guardrail.name,
            names.SIGNAL: signal.name,
            **frame.fixed(signal),
        }
        for condition in frame.conditions(signal):
            if condition.state is not None:
                own[signal.by[-1]] = condition.state
        told_apart = {label for label, _, _ in signal.value.matchers}
        counted = {label for label, _, _ in signal.traffic.matchers} if signal.traffic else set()
        for label in sorted(told_apart & {names.ROLLOUT, names.GUARDRAIL, names.SIGNAL, *frame.arm(signal)}):
            labels = labels_of({**own, label: OTHER, "instance": beside}.items())
            recorded_anew = label in frame.arm(signal)  # our own rules make a value of another arm's traffic
            if not (own_is_gone and recorded_anew):
                found[Key(names.VALUE, labels)] = At(far)
            if label in counted and (own_is_gone or not recorded_anew):
                found[Key(names.TRAFFIC, labels)] = At(FAR)
    return found


def strange_words(frame: Frame, stage: str | None) -> Feeds:
    """What the receiver says of others, and what a second receiver says that knows of no attempt.

    Another rollout is in every other stage; the figures of others lie far off, on both sides.
    """
    found: Feeds = {}
    for known in frame.rollout.stages:
        labels = labels_of([(names.ROLLOUT, OTHER), (names.STAGE, known.name)])
        found[Key(names.STAGE_METRIC, labels)] = At(Decimal(int(known.name != stage)))
        own = stage_key(frame.rollout, known.name)
        found[Key(own.metric, labels_of([*own.labels, ("instance", "second")]))] = At(Decimal(0))
    for guardrail, reference in frame.captured():
        for other in (
            {names.ROLLOUT: OTHER, names.GUARDRAIL: guardrail, names.REFERENCE: reference},
            {names.ROLLOUT: frame.rollout.name, names.GUARDRAIL: OTHER, names.REFERENCE: reference},
            {names.ROLLOUT: frame.rollout.name, names.GUARDRAIL: guardrail, names.REFERENCE: OTHER},
        ):
            for name, figure in (("low", Decimal(0)), ("high", FAR)):
                labels = labels_of({**other, "instance": name}.items())
                found[Key(names.REFERENCE_METRIC, labels)] = At(figure)
    return found
