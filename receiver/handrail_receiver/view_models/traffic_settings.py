"""An attempt's runs → the present setting of its traffic split, as the targets read back: beside the traffic, or in
its place. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from handrail.contract import HAProxyWeight, Step, names

from handrail_receiver.model import SHARING, WORKED, EffectState, Run
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import when

READ_BACK = frozenset({EffectState.done, EffectState.already})


def read_back(runs: Sequence[Run]) -> str:
    """What the newest run that moved traffic has set; empty if there was none, or if its targets did not say so.

    It is what was set at that time, not the present traffic: a target may have been changed since.
    """
    moved = [run for run in runs if run.action in {*SHARING, *names.ACTING} and run.effects]
    last = max(moved, key=lambda run: run.id, default=None)
    if last is None or last.state not in WORKED or last.finished_at is None:
        return ""
    steps = [effect.step for effect in last.effects if effect.state in READ_BACK]
    if not steps:
        return ""
    return f"read back from the targets at {when(last.finished_at)}: {', '.join(map(_said, steps))}"


def _said(step: Step) -> str:
    return f"weight {step.weight} of {step.server}" if isinstance(step, HAProxyWeight) else what(step)
