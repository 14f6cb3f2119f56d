"""A change of state, of what shows 0 and 1 for each state and of what shows its current state alone."""

from __future__ import annotations

import pytest
from handrail.declare import Changed, Guardrail, State, Warning

from .judged import IN_10, complaints, firing, shop

GUARDED = Guardrail("breaker", State("breaker_state"), tiers=[Warning(Changed("5m"))])
CLOSED, OPEN = 'breaker_state{pod="a",state="closed"}', 'breaker_state{pod="a",state="open"}'
OTHER = 'breaker_state{pod="b",state="closed"}'
FIRES = ("ShopBreakerWarning",)


@pytest.mark.parametrize(
    ("series", "fires"),
    [
        ({CLOSED: "1x40 0x200", OPEN: "0x40 1x200"}, True),
        ({CLOSED: "1x40 _x200", OPEN: "_x40 1x200"}, True),
        ({CLOSED: "1x240"}, False),
        ({CLOSED: "1x240", OPEN: "0x240"}, False),
        ({CLOSED: "1x40 _x200", OTHER: "_x40 1x200"}, False),
        ({CLOSED: "1x240", OTHER: "_x40 1x200"}, False),
        ({CLOSED: "1x20 _x20 1x200"}, False),
        ({CLOSED: "_x40 1x200"}, False),
    ],
    ids=["0 and 1", "alone", "at rest", "both at rest", "another pod", "a pod more", "a gap", "the first"],
)
def test_a_change_fires_for_its_window_and_nothing_else_does(
    promtool: str, series: dict[str, str], fires: bool
) -> None:
    fired = FIRES if fires else ()
    asked = [firing("12m", *fired), firing("20m")]
    assert complaints(promtool, shop(GUARDED), {**IN_10, **series}, *asked) == ""
