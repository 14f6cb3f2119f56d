"""The stages that go on automatically → the alert that asks for it: the gate ahead is open, as far as rules can see.

The receiver judges the whole gate by itself: what people say, windows and other rollouts are nothing that rules see.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail import plan
from handrail.base import where_of
from handrail.contract import Gate, Playbook, StageFacts, names
from handrail.lower.rollout_context import RolloutContext
from handrail.units import plain


def lower_promotion(playbook: Playbook, context: RolloutContext) -> plan.Alert | None:
    """The alert; None where a person promotes from every stage."""
    asked = tuple(_asked(playbook))
    if not asked:
        return None
    rollout = context.rollout
    return plan.Alert(
        name=names.alert_name(rollout.name, names.GATE, names.PROMOTE),
        tier=names.PROMOTE,
        severity="none",
        action=names.PROMOTE,
        expr="\nor ".join(asked),
        sustained=timedelta(),
        keep_firing_for=timedelta(),
        labels=context.labels(names.GATE, names.PROMOTE, "none", names.PROMOTE),
        summary=f"{rollout.name} is ready to promote: its rules see the gate open",
        description="The bake time is over and the success criteria are met, as far as Prometheus can tell. The receiver judges the whole gate before it promotes.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(rollout),
    )


def _asked(playbook: Playbook) -> Iterator[str]:
    """An expression for each stage that goes on automatically."""
    gates = {gate.into: gate for gate in playbook.gates}
    for stage in playbook.stages:
        if stage.advance == "when-met":
            following = playbook.stage_after(stage.name)
            into = following.name if following else names.COMPLETE
            yield _open(playbook, stage, gates.get(into, Gate(into=into)))


def _open(playbook: Playbook, stage: StageFacts, gate: Gate) -> str:
    """It is in the stage, which has baked; each criterion could be judged, and none was broken."""
    here = ((names.ROLLOUT, "=", playbook.rollout), ("stage", "=", stage.name))
    entered = plan.Selector(names.STAGE_ENTERED_METRIC, here)
    over = f"time() - {entered} >= {plain(Decimal(str(stage.takes)))}"
    lines = [
        f"max by (rollout) ({plan.Selector(names.STAGE_METRIC, here)} == 1 and on (rollout, stage) {over})"
    ]
    baked = [one.spanning(stage.bake or 0) for one in gate.criteria]
    lines += [f"and on () ({one.seen})" for one in baked]
    lines += [f"unless on () ({one.expr})" for one in baked]
    return "\n".join(lines)
