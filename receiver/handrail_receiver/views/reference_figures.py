"""Playbook + what was captured + what Prometheus answers → the references of relative limits, and where a limit stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import ge, gt, le, lt

from handrail.contract import GuardrailFacts, LimitFacts, OpenArms, Playbook, names

from handrail_receiver.model import Captured

BEFORE_WORDS, STABLE_WORDS = "the figure from before the rollout", "the stable arm"
PREVIOUS_WORDS, STAGE_WORDS = "the stage before", "stage "
"""What a limit is relative to, as the playbook says it."""
COMPARED = {">": gt, ">=": ge, "<": lt, "<=": le}
ABOUT = "about"
"""The label that tells what was asked beside recorded series: `age`, or an arm's traffic."""


def past_questions(playbook: Playbook) -> list[str]:
    """What asks for the references of some time ago, each under its name."""
    asked = {
        past_of(facts.name, limit.reference or ""): limit.past
        for facts in playbook.guardrails
        for tier in facts.tiers
        for limit in tier.limits
        if limit.past
    }
    return [named(expr, name) for name, expr in asked.items()]


def past_of(guardrail: str, reference: str) -> str:
    """What a reference of some time ago is called beside what is recorded."""
    return f"{guardrail}: {reference}"


def named(expr: str, about: str) -> str:
    """An expression's samples under a name of their own."""
    return f'label_replace({expr}, "{ABOUT}", "{about}", "", "")'


def references(
    playbook: Playbook, facts: GuardrailFacts, stage: str, captured: Sequence[Captured]
) -> dict[str, float]:
    """What was captured of a guardrail, by what a limit calls it in a stage. Of several figures none is the reference."""
    found: dict[str, list[float]] = {}
    for one in captured:
        if one.guardrail == facts.name:
            found.setdefault(one.reference, []).append(one.value)
    known = {name: values[0] for name, values in found.items() if len(values) == 1}
    stages = [one.name for one in playbook.stages]
    before = stages[stages.index(stage) - 1] if stage in stages[1:] else ""
    words = {BEFORE_WORDS: names.BEFORE, PREVIOUS_WORDS: names.stage_reference(before)}
    words |= {f"{STAGE_WORDS}{name}": names.stage_reference(name) for name in stages}
    return {said: known[name] for said, name in words.items() if name in known}


def figure_in(
    limit: LimitFacts, stage: str, known: Mapping[str, float], stable: float | None
) -> float | None:
    """The figure at which a limit of the guardrail's own measure stands in a stage, in its base unit.

    `known` are the references by what the limit calls them. None where there is none, or where it moves with what is
    not known here.
    """
    if limit.signal or limit.state:
        return None
    here = next((one for one in limit.figures if one.stage == stage), None)
    here = here or next((one for one in limit.figures if one.stage is None), None)
    if here is None or here.figure is None:
        return None
    if limit.reference is None:
        return float(here.figure)
    reference = stable if limit.reference == STABLE_WORDS else known.get(limit.reference)
    if reference is None:
        return None
    at = reference + float(here.figure) if limit.points else reference * float(here.figure)
    return at if limit.floor is None else max(at, float(limit.floor))


def arm_of(playbook: Playbook, labels: Mapping[str, str]) -> str:
    """Which arm a series is of; empty where its labels do not say."""
    arms = playbook.arms
    if arms is None or isinstance(arms, OpenArms):
        return ""
    return {arms.canary: names.CANARY, arms.stable: names.STABLE}.get(labels.get(arms.label, ""), "")


def is_judged(arm: str) -> bool:
    """Whether limits are for the figures of this arm, or of no arm."""
    return arm in {names.CANARY, ""}


def beyond(op: str, at: float | None, value: float) -> bool:
    """Whether a figure lies beyond a limit: for pages, checks, messages and `watch` alike. Of a limit that is not known: no."""
    return at is not None and COMPARED[op](value, at)
