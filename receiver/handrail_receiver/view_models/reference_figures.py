"""Playbook + what was captured + what Prometheus answers → the references of relative limits, and the figure of a
limit. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import ge, gt, le, lt

from handrail.contract import GuardrailFacts, LimitFacts, OpenArms, Playbook, names

from handrail_receiver.model import Captured

BEFORE_WORDS, STABLE_WORDS = "the figure from before the rollout", "the stable arm"
PREVIOUS_WORDS, STAGE_WORDS = "the stage before", "stage "
"""What a limit is relative to, as the playbook says it."""
COMPARED = {">": gt, ">=": ge, "<": lt, "<=": le}
Found = Sequence[tuple[Mapping[str, str], float]]
"""Figures, and the labels of what each is the reference of: none where it is that of everything."""
ABOUT = "about"
"""The label that tells what was asked beside recorded series: `age`, or an arm's traffic."""


def past_questions(playbook: Playbook) -> list[str]:
    """What asks for the references of some time ago, each under its name."""
    return [asked for facts in playbook.guardrails for asked in past_asked(facts)]


def past_asked(facts: GuardrailFacts) -> list[str]:
    """The same of one guardrail."""
    limits = [limit for tier in facts.tiers for limit in tier.limits if limit.past]
    asked = {past_of(facts.name, limit.reference or ""): limit.past for limit in limits}
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
    """The captured figures of a guardrail, by the name that a limit uses in a stage. Where there are several, none is
    the reference.
    """
    by_reference = each_reference(playbook, facts, stage, captured)
    return {said: figures[0][1] for said, figures in by_reference.items() if len(figures) == 1}


def each_reference(
    playbook: Playbook, facts: GuardrailFacts, stage: str, captured: Sequence[Captured]
) -> dict[str, Found]:
    """The same with each of several figures, and the labels of what it is the reference of."""
    known: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for one in captured:
        if one.guardrail == facts.name:
            labels = {name.removeprefix(names.REFERENCE_BY): text for name, text in one.labels}
            known.setdefault(one.reference, []).append((labels, one.value))
    stages = [one.name for one in playbook.stages]
    asked = {query.reference for query in facts.references}
    earlier = reversed(stages[: stages.index(stage)] if stage in stages else [])
    before = next((one for one in earlier if names.stage_reference(one) in asked), "")
    words = {BEFORE_WORDS: names.BEFORE, PREVIOUS_WORDS: names.stage_reference(before)}
    words |= {f"{STAGE_WORDS}{name}": names.stage_reference(name) for name in stages}
    return {said: known[name] for said, name in words.items() if name in known}


def figure_in(
    limit: LimitFacts, stage: str, known: Mapping[str, float], stable: float | None
) -> float | None:
    """The figure of a limit of the guardrail's own measure in a stage, in its base unit.

    `known` are the references by what the limit calls them. None where there is none, or where it moves with what is
    not known here.
    """
    if limit.signal or limit.state:
        return None
    here = declared_in(limit, stage)
    if here is None or limit.reference is None:
        return None if here is None else float(here)
    reference = stable if limit.reference == STABLE_WORDS else known.get(limit.reference)
    if reference is None or (limit.least is not None and reference < limit.least):
        return None
    at = reference + float(here) if limit.points else reference * float(here)
    return at if limit.floor is None else max(at, float(limit.floor))


def declared_in(limit: LimitFacts, stage: str) -> Decimal | None:
    """The figure that is declared for a stage; None where the limit is none there."""
    here = next((one for one in limit.figures if one.stage == stage), None)
    here = here or next((one for one in limit.figures if one.stage is None), None)
    return here.figure if here is not None else None


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
    """Whether a figure is beyond a limit, the same for pages, checks, messages and `watch`. If the limit is not
    known: no.
    """
    return at is not None and COMPARED[op](value, at)
