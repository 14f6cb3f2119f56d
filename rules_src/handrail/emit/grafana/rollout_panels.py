"""A rollout of the plan → the panels about the rollout itself: stage, traffic, time, guard, alerts, decisions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from grafana_foundation_sdk.models.dashboard import Panel

from handrail import plan
from handrail.contract import names
from handrail.emit.grafana.drawing import Line, PanelFrame, curves, figure, rows, states
from handrail.units import Unit, plain, span

LAST = timedelta(days=7)
"""How far back the actions are counted."""
_LASTING = (
    "By outcome. A lower bound: a restarted receiver counts from 0, and only the largest count is known."
)


def panels(rollout: plan.Rollout) -> list[Panel]:
    """What somebody who has just been woken wants to know first."""
    return [*(_stages(rollout) if rollout.stages else []), *_guard(rollout)]


def _of(metric: str, rollout: plan.Rollout, *more: tuple[str, str, str]) -> plan.Selector:
    return plan.Selector(metric, ((names.ROLLOUT, "=", rollout.name), *more))


def _stages(rollout: plan.Rollout) -> list[Panel]:
    stage = _of(names.STAGE_METRIC, rollout)
    now = f"max by (rollout, stage) ({stage}) == 1"
    entered = f"max by (rollout, stage) ({_of(names.STAGE_ENTERED_METRIC, rollout)}) and on (rollout, stage) ({now})"
    lines = [
        figure(
            PanelFrame("Stage", width=4, height=4),
            "short",
            [Line(now, "{{stage}}")],
            nothing="no attempt is running",
            names=True,
        ),
        figure(
            PanelFrame("Time in this stage", width=4, height=4),
            "dtdhms",
            [Line(f"time() - ({entered})", "{{stage}}")],
            nothing="no attempt is running",
        ),
        figure(
            PanelFrame(
                "Bake time left", "Until the bake time is over; at 0 the gate is judged.", width=4, height=4
            ),
            "dtdhms",
            [Line(_left(rollout), "{{stage}}")],
            nothing="no bake time is running",
        ),
        *_versions(rollout),
        states(
            PanelFrame("Stage history", width=8 if _told(rollout) else 12, height=4),
            [Line(f"max by (stage) ({stage})", "{{stage}}")],
        ),
    ]
    return [*lines, _split(rollout)] if any(s.weight is not None for s in rollout.stages) else lines


def _told(rollout: plan.Rollout) -> bool:
    return rollout.arms is not None and rollout.arms.told


def _versions(rollout: plan.Rollout) -> list[Panel]:
    """A panel that shows which version each arm is, if each start gives them."""
    if not _told(rollout):
        return []
    said = f"max by ({names.ARM}, {names.ARM_VALUE}) ({_of(names.ARM_METRIC, rollout)}) > 0"
    legend = f"{{{{{names.ARM}}}}} {{{{{names.ARM_VALUE}}}}}"
    frame = PanelFrame("Versions", width=4, height=4)
    return [figure(frame, "short", [Line(said, legend)], nothing="no attempt is running", names=True)]


def _left(rollout: plan.Rollout) -> str:
    """What is left of each stage's warm-up and bake time, in seconds."""
    parts = []
    for stage in rollout.playbook.stages:
        if stage.bake is not None:
            this = (names.STAGE, "=", stage.name)
            entered = f"max by (stage) ({_of(names.STAGE_ENTERED_METRIC, rollout, this)})"
            inside = f"max by (stage) ({_of(names.STAGE_METRIC, rollout, this)}) == 1"
            parts.append(
                f"clamp_min({entered} + {plain(Decimal(str(stage.takes)))} - time(), 0) and on (stage) ({inside})"
            )
    return "\nor ".join(parts) or "vector(0) < 0"


def _split(rollout: plan.Rollout) -> Panel:
    weight = f"max by (rollout) ({_of(names.WEIGHT_METRIC, rollout)})"
    new, old = (
        ("new version", "old version") if rollout.arms is None else (rollout.arms.canary, rollout.arms.stable)
    )
    return curves(
        PanelFrame(
            "Traffic split", "The share that the receiver asked for, not a measurement.", width=12, height=6
        ),
        Unit.ratio,
        [Line(weight, new), Line(f"1 - {weight}", old)],
        stacked=True,
    )


def _guard(rollout: plan.Rollout) -> list[Panel]:
    heartbeat = plan.Selector(
        "ALERTS", (("alertname", "=", names.HEARTBEAT_ALERT), (names.ROLLOUT, "=", rollout.name))
    )
    others = _of("ALERTS", rollout, ("alertname", "!=", names.HEARTBEAT_ALERT))
    kept = "alertname, alertstate, guardrail, tier, severity, action"
    return [
        figure(
            PanelFrame("Guard", "Whether Prometheus evaluates the rules of this rollout.", width=6, height=6),
            "short",
            [Line(f"min(count by (rollout) ({heartbeat}) > bool 0)", "")],
            nothing="not guarded: no rules are evaluated",
            v1="rules evaluated",
        ),
        figure(
            PanelFrame(
                "Last heartbeat", "How long ago the last heartbeat reached the receiver.", width=6, height=6
            ),
            "s",
            [Line(f"max({names.HEARTBEAT_AGE_METRIC})", "")],
            nothing="no data from the receiver",
        ),
        rows(
            PanelFrame("Alerts", "Pending and firing now.", width=16, height=6),
            Unit.number,
            [Line(f"max by ({kept}) ({others})", "")],
            nothing="no alert is pending or firing",
            values=False,
        ),
        rows(
            PanelFrame(f"Actions in the last {span(LAST)}", _LASTING, width=8, height=6),
            Unit.number,
            [Line(_lasting(rollout), "times")],
            nothing=f"none in the last {span(LAST)}",
        ),
    ]


def acted(rollout: plan.Rollout, window: timedelta) -> str:
    """What the receiver did in `window`, by action and outcome; a new counter counts from zero."""
    counter, width = _of(names.ACTIONS_METRIC, rollout), span(window)
    answered = f"count({names.HEARTBEAT_AGE_METRIC} offset {width})"
    return (
        f"sum by (action, outcome) (({counter} unless {counter} offset {width}) and on () ({answered}) "
        f"or increase({counter}[{width}]))"
    )


def _lasting(rollout: plan.Rollout) -> str:
    counter, width = _of(names.ACTIONS_METRIC, rollout), span(LAST)
    counted = (
        f"max_over_time({counter}[{width}]) unless {counter} offset {width} or increase({counter}[{width}])"
    )
    return f"round(sum by (action, outcome) ({counted})) > 0"
