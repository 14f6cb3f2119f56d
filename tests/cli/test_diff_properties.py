"""What holds for the differences of any two states, whatever they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from handrail.output.diff import DiffLine, Effect, differences
from handrail.output.diff.model import ORDER, sort
from hypothesis import given
from hypothesis import strategies as st

OPS = st.sampled_from([">", ">=", "<", "<="])
FIGURES = st.dictionaries(
    st.sampled_from([None, "10%", "100%"]),
    st.decimals(Decimal(0), Decimal(1), places=3),
    min_size=1,
)


def state(op: str, figures: Mapping[str | None, Decimal], sustained: int, action: str) -> dict[str, str]:
    """A generated/ folder with one alert, as small as it can be."""
    limit = {
        "signal": "",
        "op": op,
        "reference": None,
        "points": False,
        "state": None,
        "text": f"{op} {dict(figures)}",
        "figures": [{"stage": stage, "figure": str(figure)} for stage, figure in figures.items()],
    }
    tier = {"tier": "critical", "limits": [limit], "confirmation": None}
    playbook = {
        "guardrails": [{"name": "g", "tiers": [tier]}],
        "gates": [],
        "stages": [],
        "actions": [],
        "checks": [],
        "budget_per_day": 3,
    }
    labels = {"guardrail": "g", "tier": "critical", "action": action, "severity": "critical"}
    rule = {"alert": "G", "expr": "v", "labels": labels, "for": f"{sustained}s"}
    group = {"name": "r/g", "interval": "30s", "rules": [rule]}
    return {
        "playbook/r.json": json.dumps(playbook),
        "prometheus/rules/r.yml": json.dumps({"groups": [group]}),
    }


STATES = st.builds(
    state, OPS, FIGURES, st.integers(0, 600), st.sampled_from(["investigate", "hold", "rollback"])
)
OPPOSITE = {
    Effect.looser: Effect.tighter,
    Effect.tighter: Effect.looser,
    Effect.unclear: Effect.unclear,
    Effect.neutral: Effect.neutral,
}


@given(STATES)
def test_no_state_differs_from_itself(one: dict[str, str]) -> None:
    assert differences(one, one) == []


@given(STATES, STATES)
def test_different_states_have_a_difference(one: dict[str, str], other: dict[str, str]) -> None:
    assert bool(differences(one, other)) == (one != other)


@given(OPS, st.decimals(Decimal(0), Decimal(1), places=3), st.decimals(Decimal(0), Decimal(1), places=3))
def test_the_way_back_has_the_opposite_effect(op: str, before: Decimal, after: Decimal) -> None:
    one, other = state(op, {None: before}, 0, "hold"), state(op, {None: after}, 0, "hold")
    there = [difference.effect for difference in differences(one, other)]
    back = [difference.effect for difference in differences(other, one)]
    assert back == [OPPOSITE[effect] for effect in there]


@given(OPS, FIGURES, FIGURES)
def test_a_limit_that_lets_more_through_in_any_stage_is_looser(
    op: str, before: dict[str | None, Decimal], after: dict[str | None, Decimal]
) -> None:
    sign = 1 if op in {">", ">="} else -1
    none = Decimal(10)
    allowed = [
        (figures.get(stage, figures.get(None)), others.get(stage, others.get(None)))
        for stage in (None, "10%", "100%")
        for figures, others in [(before, after)]
    ]
    lets_more = any(
        (none if new is None else sign * new) > (none if old is None else sign * old) for old, new in allowed
    )
    found = differences(state(op, before, 0, "hold"), state(op, after, 0, "hold"))
    assert (Effect.looser in {difference.effect for difference in found}) == lets_more


@given(st.lists(st.builds(DiffLine, st.sampled_from(ORDER), st.text(), st.text(), st.text())))
def test_the_most_dangerous_comes_first(found: list[DiffLine]) -> None:
    ranks = [ORDER.index(difference.effect) for difference in sort(found)]
    assert ranks == sorted(ranks)
