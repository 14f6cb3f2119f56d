"""A playbook and the recorded values of a time → what each guardrail came to: mean and worst, or the state it ended in. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.contract import GuardrailFacts, OpenArms, Playbook, names

from handrail_receiver.outside.prometheus_history import Series
from handrail_receiver.view_models.compared import NOT_TOLD_APART
from handrail_receiver.words.figures import figure


@dataclass(frozen=True)
class GuardrailLine:
    """A guardrail with a success criterion: what its value was (empty: nobody knows), and its target in words."""

    name: str
    title: str
    text: str
    target: str


def guardrail_lines(playbook: Playbook, series: Sequence[Series]) -> tuple[GuardrailLine, ...]:
    """Those that some gate asks for, in the playbook's order: of the canary, where the arms are told apart."""
    targets: dict[str, list[str]] = {}
    for gate in playbook.gates:
        for one in gate.criteria:
            known = targets.setdefault(one.guardrail, [])
            known += [one.text] if one.text not in known else []
    return tuple(
        GuardrailLine(
            facts.name, facts.title or facts.name, _text(facts, _own(playbook, facts.name, series)), target
        )
        for facts in playbook.guardrails
        if (target := " and ".join(targets.get(facts.name, [])))
    )


def _own(playbook: Playbook, guardrail: str, series: Sequence[Series]) -> list[Series]:
    arms = playbook.arms
    return [
        one
        for one in series
        if one.labels.get(names.GUARDRAIL) == guardrail and _of_the_canary(arms, one.labels)
    ]


def _of_the_canary(arms: object, labels: Mapping[str, str]) -> bool:
    """Whether a series is the canary's, or of no arm at all."""
    if names.ARM in labels:
        return labels[names.ARM] == names.CANARY
    label, canary = getattr(arms, "label", ""), getattr(arms, "canary", None)
    if isinstance(arms, OpenArms) or label not in labels:
        return True
    return labels[label] == canary


def _text(facts: GuardrailFacts, series: Sequence[Series]) -> str:
    limits = [limit for tier in facts.tiers for limit in tier.limits if not limit.signal]
    if any(limit.state is not None for limit in limits):
        return _state(series)
    values = [value for one in series for value in _numbers(one)]
    if not values:
        return ""
    less_is_worse = next((limit.op in {"<", "<="} for limit in limits), False)
    worst = min(values) if less_is_worse else max(values)
    mean = figure(str(math.fsum(values) / len(values)), facts.unit)
    return f"{mean} on average, {figure(str(worst), facts.unit)} at worst"


def _numbers(series: Series) -> Iterator[float]:
    for _, written in series.points:
        if math.isfinite(value := float(written)):
            yield value


def _state(series: Sequence[Series]) -> str:
    """The state it was in last; each state has a series, which is 1 while it is in it."""
    last = max((one.points[-1][0] for one in series if one.points), default=None)
    states = [
        " ".join(value for name, value in sorted(one.labels.items()) if name not in NOT_TOLD_APART)
        for one in series
        if one.points and one.points[-1][0] == last and float(one.points[-1][1]) == 1
    ]
    return ", ".join(sorted(states))
