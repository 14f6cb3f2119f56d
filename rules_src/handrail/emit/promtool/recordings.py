"""A guardrail → what other rules record under the same names, far over every limit."""

from __future__ import annotations

from decimal import Decimal

from handrail import names
from handrail.emit.promtool.frame import UPWARDS, Frame
from handrail.emit.promtool.recorded import OTHER
from handrail.emit.promtool.series import At, Key, labels_of
from handrail.emit.promtool.stimulus import Feeds


def strange_recordings(frame: Frame, *, own_is_gone: bool = False) -> Feeds:
    """What other rules record under the same names: other rollouts, guardrails, signals and the stable arm.

    With `own_is_gone` it is the traffic of another arm that is there, and not its value.
    """
    found: Feeds = {}
    ups = [condition.op in UPWARDS for condition in frame.conditions()]
    far = At(Decimal(1_000_000 if all(ups) else 0))
    for signal in frame.guardrail.signals:
        own = {
            names.ROLLOUT: frame.rollout.name,
            names.GUARDRAIL: frame.guardrail.name,
            **frame.fixed(signal),
        }
        for condition in frame.conditions(signal):
            if condition.state is not None:
                own[signal.by[-1]] = condition.state
        told_apart = {label for label, _, _ in signal.value.matchers}
        for label in sorted(told_apart & {names.ROLLOUT, names.GUARDRAIL, names.SIGNAL, *frame.arm(signal)}):
            labels = labels_of({**own, label: OTHER}.items())
            recorded_anew = label in frame.arm(signal)  # our own rules make a value of another arm's traffic
            if not (own_is_gone and recorded_anew):
                found[Key(names.VALUE, labels)] = far
            if signal.traffic is not None and (own_is_gone or not recorded_anew):
                found[Key(names.TRAFFIC, labels)] = At(Decimal(1_000_000))
    return found
