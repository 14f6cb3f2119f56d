"""A rise with a floor, beside a reference of 0 and beside one that is not, judged by both promtools."""

from __future__ import annotations

from decimal import Decimal

import pytest
from handrail import plan
from handrail.declare import Critical, Guardrail, Ratio, Rise, StableArm
from handrail.declare.limits import ByStage

from .judged import IN_10, complaints, firing, shop

ERRORS = Ratio(bad='requests_total{code="500"}', of="requests_total")
FIRES = "ShopErrorsCritical"


def rising(by: ByStage, floor: str | None) -> Guardrail:
    tier = Critical(Rise(by, floor=floor), action="rollback")
    return Guardrail("errors", ERRORS, against=StableArm(), tiers=[tier])


def series(stable_bad: str, canary_bad: str) -> dict[str, str]:
    """A thousand requests a scrape on either arm, with so many errors."""
    return {
        **IN_10,
        'requests_total{code="200",track="stable"}': "0+1000x100",
        'requests_total{code="200",track="canary"}': "0+1000x100",
        'requests_total{code="500",track="stable"}': stable_bad,
        'requests_total{code="500",track="canary"}': canary_bad,
    }


@pytest.mark.parametrize("by", ["50%", {"10%": "50%", "100%": "20%"}], ids=["everywhere", "by stage"])
@pytest.mark.parametrize(
    ("stable", "canary", "fires"),
    [
        ("0x100", "0x60 1x40", ()),
        ("0x100", "0+8x100", ()),
        ("0x100", "0+20x100", (FIRES,)),
        ("0+20x100", "0+25x100", ()),
        ("0+20x100", "0+40x100", (FIRES,)),
    ],
    ids=["one error", "under the floor", "over the floor", "no rise", "a rise"],
)
def test_it_fires_above_the_reference_and_above_the_floor(
    promtool: str, by: ByStage, stable: str, canary: str, fires: tuple[str, ...]
) -> None:
    guarded = shop(rising(by, "1%"), arms=True)
    assert complaints(promtool, guarded, series(stable, canary), firing("18m", *fires)) == ""


def test_without_a_floor_one_error_is_a_rise(promtool: str) -> None:
    guarded = shop(rising("50%", None), arms=True)
    assert complaints(promtool, guarded, series("0x100", "0x60 1x40"), firing("18m", FIRES)) == ""


def test_the_floor_is_in_the_words_and_in_the_limit() -> None:
    [guardrail] = shop(rising("50%", "1%"), arms=True).guardrails
    [condition] = guardrail.alerts[0].conditions
    assert guardrail.alerts[0].description.endswith(
        "Critical means above 150 % of the stable arm and above 1 %."
    )
    factor = Decimal("1.5")
    assert [condition.limit_from(base, factor) for base in (Decimal(0), Decimal("0.02"))] == [
        Decimal("0.01"),
        Decimal("0.03"),
    ]
    assert condition.limits == (plan.StageLimit(None, factor),)
