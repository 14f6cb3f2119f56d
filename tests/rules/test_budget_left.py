"""A gate that asks what is left of an error budget."""

from __future__ import annotations

import pytest
from handrail.contract import Criterion
from handrail.declare import Environment, Gate, Guardrail, Ratio, Rollout, Slo, Stage
from handrail.lower import lower

from .judged import Asked, complaints

REQUESTS = Ratio(bad='requests_total{status="500"}', of="requests_total")
ROLLOUT = Rollout(
    "shop",
    "shop",
    stages=[
        Stage("10%", weight="10%", bake="1h"),
        Stage("100%", weight="100%", gate=Gate(budget_left="20%")),
    ],
    guardrails=[Guardrail("errors", REQUESTS)],
    slos=[Slo("orders", REQUESTS, objective="99%", window="7d")],
)
(PLAN,) = lower([ROLLOUT], Environment("test")).rollouts
[CRITERION] = PLAN.playbook.gates[0].criteria


def test_it_asks_for_the_error_ratio_at_which_so_much_of_the_budget_is_left() -> None:
    window = next(one for one in PLAN.slos[0].ratios if one.labels[-1][1] in {"7d", "1w"}).labels[-1][1]
    ratio = f'handrail:slo:error_ratio{{rollout="shop",slo="orders",window="{window}"}}'
    assert (
        Criterion(
            guardrail="slo-orders",
            text="at least 20% of its error budget left",
            expr=f"{ratio} > 0.008",
            seen=ratio,
        )
        == CRITERION
    )
    assert PLAN.playbook.gates[0].budget_left == 0.2


@pytest.mark.parametrize(("bad", "broken", "seen"), [("0+1x400", True, True), ("0+0.5x400", False, True)])
def test_a_budget_of_which_too_little_is_left_keeps_the_gate_closed(
    promtool: str, bad: str, broken: bool, seen: bool
) -> None:
    series = {'requests_total{status="200"}': "0+99x400", 'requests_total{status="500"}': bad}
    asked = (
        Asked(f"count({CRITERION.expr})", "80m", {"{}": 1} if broken else {}),
        Asked(f"count({CRITERION.seen})", "80m", {"{}": 1} if seen else {}),
    )
    assert complaints(promtool, PLAN, series, *asked) == ""


def test_without_data_nobody_knows_what_is_left(promtool: str) -> None:
    assert complaints(promtool, PLAN, {}, Asked(f"count({CRITERION.seen})", "80m", {})) == ""


def test_without_an_objective_there_is_no_budget_to_ask_for() -> None:
    with pytest.raises(ValueError, match="budget_left= asks for an error budget, and there is none"):
        Rollout("shop", "shop", stages=ROLLOUT.stages, guardrails=ROLLOUT.guardrails)
