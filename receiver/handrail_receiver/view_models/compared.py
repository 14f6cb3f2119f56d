"""A tier's limits + the figures at one moment → whether any is beyond its limit, as its rule would say. Pure.

Pages and checks both use this. If the reference of a limit is not known here, only Prometheus judges the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from handrail.contract import GuardrailFacts, LimitFacts, Playbook, names

from handrail_receiver.view_models.reference_figures import (
    STABLE_WORDS,
    Found,
    arm_of,
    beyond,
    declared_in,
    figure_in,
    is_judged,
)

Comparison = Literal["beyond", "no figure", "no number", "by Prometheus only", "idle", "within"]
"""What the figures say of a tier, the worst first."""
WORST_FIRST: tuple[Comparison, ...] = get_args(Comparison)
NOT_TOLD_APART = frozenset({"__name__", names.ROLLOUT, names.GUARDRAIL, names.SIGNAL})
"""The labels of all that is recorded of one guardrail's signal."""


@dataclass(frozen=True)
class Figure:
    """One series of a guardrail: of which arm and which signal (empty: its own measure), its other labels, and its value."""

    arm: str
    signal: str
    others: Mapping[str, str]
    value: float


def told_apart(playbook: Playbook, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that tell series of one arm apart."""
    arms = playbook.arms
    known = NOT_TOLD_APART | ({arms.label, names.ARM} if arms else set())
    return {name: text for name, text in labels.items() if name not in known}


def figure_of(playbook: Playbook, labels: Mapping[str, str], value: float) -> Figure:
    """A sample of what is recorded of a guardrail's measures."""
    return Figure(arm_of(playbook, labels), labels.get(names.SIGNAL, ""), told_apart(playbook, labels), value)


def worst_of(
    facts: GuardrailFacts, stage: str, figures: Sequence[Figure], known: Mapping[str, Found]
) -> Comparison:
    """What they say of a guardrail: the worst of its tiers. Of shadows it only counts whether they have their figures."""
    tiers = [tier for tier in facts.tiers if not tier.shadow]
    each = [compared(facts, tier.limits, stage, figures, known) for tier in tiers or facts.tiers]
    worst = min(each, key=WORST_FIRST.index)
    return "within" if worst == "beyond" and not tiers else worst


def _figure_counts(guardrail: str) -> bool:
    """Whether a figure beyond its limit says something alone: of the split of the traffic it does only of so many requests
    that it is no chance, which Prometheus judges.
    """
    return guardrail != names.SAMPLE_RATIO


def compared(
    facts: GuardrailFacts,
    limits: Sequence[LimitFacts],
    stage: str,
    figures: Sequence[Figure],
    known: Mapping[str, Found],
) -> Comparison:
    """The result for a tier with these limits; `known` are the references by the names that limits use.

    Without a figure of its guardrail's own measure, or of another signal that it needs, nothing is known of the tier.
    A signal that is judged only while a condition holds has no figure otherwise: its limits are then left out.
    """
    looked_at = {"", *(limit.signal for limit in limits)}
    judged = [one for one in figures if is_judged(one.arm)]
    missing = looked_at - {one.signal for one in judged}
    idle = missing & {*facts.only_while}
    each = [_of_limit(limit, stage, judged, figures, known) for limit in limits if limit.signal not in idle]
    if "beyond" in each:
        return "beyond" if _figure_counts(facts.name) else "by Prometheus only"
    if missing - idle:
        return "no figure"
    if idle and not each:
        return "idle"
    if not all(math.isfinite(one.value) for one in judged if one.signal in looked_at):
        return "no number"
    return "by Prometheus only" if "by Prometheus only" in each else "within"


def _of_limit(
    limit: LimitFacts,
    stage: str,
    judged: Iterable[Figure],
    figures: Sequence[Figure],
    known: Mapping[str, Found],
) -> Comparison:
    if declared_in(limit, stage) is None:
        return "within"
    pairs = [
        (one.value, _figure(limit, stage, _reference(limit, one, figures, known)))
        for one in judged
        if one.signal == limit.signal and (not limit.state or limit.state in one.others.values())
    ]
    if any(beyond(limit.op, at, value) for value, at in pairs):
        return "beyond"
    return "within" if pairs and all(at is not None for _, at in pairs) else "by Prometheus only"


def _figure(limit: LimitFacts, stage: str, reference: float | None) -> float | None:
    """Where the limit stands, whichever signal it is of."""
    known = {} if reference is None else {limit.reference or "": reference}
    return figure_in(limit.model_copy(update={"signal": "", "state": None}), stage, known, reference)


def _reference(
    limit: LimitFacts, one: Figure, figures: Sequence[Figure], known: Mapping[str, Found]
) -> float | None:
    """What a relative limit is relative to, for one figure: nothing where none, or more than one, is meant."""
    beside: list[float] = []
    if limit.reference == STABLE_WORDS:
        beside = [
            other.value
            for other in figures
            if other.arm == names.STABLE and (other.signal, other.others) == (one.signal, one.others)
        ]
    elif not limit.signal:
        beside = [
            value
            for labels, value in known.get(limit.reference or "", ())
            if all(one.others.get(name) == text for name, text in labels.items())
        ]
    return beside[0] if len(beside) == 1 else None
