"""What the makers of scenarios share: how long to wait, which tier to look at, a scene → its Scenario."""

from __future__ import annotations

from datetime import timedelta

from handrail.emit.promtool.frame import Frame
from handrail.emit.promtool.limits import check_length
from handrail.emit.promtool.scene import Scenario, Scene
from handrail.plan import Alert, Condition, Signal


def made(
    promise: str,
    frame: Frame,
    scene: Scene,
    *,
    fires: tuple[Alert, ...] = (),
    silent: tuple[Alert, ...] = (),
    settled: int = 0,
    looks: tuple[int, ...] = (),
    about: str = "",
) -> Scenario:
    check_length(frame, scene)
    name = " ".join(filter(None, [frame.guardrail.name, about]))
    return Scenario(
        promise, name, frame.guardrail, scene.tapes, scene.clock, fires, silent, settled=settled, looks=looks
    )


def longest(frame: Frame) -> timedelta:
    return max((alert.hold for alert in frame.guardrail.alerts), default=timedelta())


def per(frame: Frame) -> int:
    return max(1, frame.scene().scrapes(frame.rollout.evaluate))


def easiest(frame: Frame, signal: Signal) -> tuple[Alert, Condition] | None:
    """The tier on this signal that fires soonest."""
    found = [
        (alert, condition)
        for alert in frame.guardrail.alerts
        for condition in alert.conditions
        if condition.signal.name == signal.name and frame.stage(condition) is not None
    ]
    if not found and not frame.rollout.stages:
        found = [(a, c) for a in frame.guardrail.alerts for c in a.conditions if c.signal.name == signal.name]
    return min(found, key=lambda pair: pair[0].hold, default=None)


def judging(frame: Frame, signal: Signal, *, fixed: bool = False) -> tuple[Alert, ...]:
    """The alerts that look at this signal; with `fixed`, those with a limit that stands alone."""
    stage = frame.stage()
    return tuple(
        alert
        for alert in frame.guardrail.alerts
        for condition in alert.conditions
        if condition.signal.name == signal.name
        and (not fixed or (condition.reference is None and frame.judged_in(condition, stage or "")))
    )
