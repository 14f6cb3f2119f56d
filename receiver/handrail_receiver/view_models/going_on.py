"""A run that is open → how far it is, which try it is and why, and what is not done yet: in one line. Pure."""

from __future__ import annotations

from handrail_receiver.model import EffectState, Run, RunState
from handrail_receiver.words.steps import told, what


def going_on(run: Run) -> str:
    """What people ask of a run that is being carried out or proved; what is known of any other, as it is kept."""
    if run.state not in {RunState.open, RunState.proving}:
        return run.text
    again = f"try {run.round + 1}: {run.reason}" if run.round else ""
    done = sum(effect.state != EffectState.intended for effect in run.effects)
    steps = f"{done} of {len(run.effects)} steps done" if run.state == RunState.open else "to be proved"
    return "; ".join(filter(None, (run.text, again, steps, not_yet(run))))


def not_yet(run: Run) -> str:
    """Each step that is tried again or corrected, with its reason; empty where none is."""
    return "; ".join(
        told(f"not yet: {what(effect.step)}", effect.found)
        for effect in run.effects
        if effect.state == EffectState.intended and effect.found
    )
