"""The evidence of an uneven traffic split: how often it errs when checked all the time, and how soon it detects one."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from handrail.plan import SampleRatio, Selector
from handrail.plan.split_evidence import ODDS, SIDES, mixture, ratio

LOOKS, WINDOW = 720, 60
"""What counts as a day here, and as the window."""
ALPHA = 0.1
NOTHING = Selector("none")


def judged(*, per_choice: int = 1) -> SampleRatio:
    return SampleRatio(
        counted=(NOTHING,),
        most=Decimal("1.25"),
        window=timedelta(minutes=WINDOW),
        settle=timedelta(),
        per_choice=per_choice,
        least=Decimal(round(LOOKS / ALPHA)),
        canary=NOTHING,
        stable=NOTHING,
        evidence=NOTHING,
    )


def fires(split: SampleRatio, share: float, asked: float, chance: Random, *, together: int = 1) -> int | None:
    """The look at which it fires first in a day of looks at 40 requests each, of which so many come together."""
    window: deque[list[float]] = deque(maxlen=WINDOW)
    for look in range(LOOKS):
        canary = together * sum(chance.random() < share for _ in range(40 // together))
        window.append(
            [ratio(canary, 40 - canary, asked, side, float(odds), 1.25) for side in SIDES for odds in ODDS]
        )
        sums = [sum(one) / split.per_choice for one in zip(*window, strict=True)]
        if mixture(sums) >= split.least:
            return look
    return None


@pytest.mark.parametrize(("asked", "odds"), [(0.1, 1.0), (0.02, 1.25), (0.5, 0.8)])
def test_it_is_looked_at_all_day_and_errs_no_more_often_than_promised(asked: float, odds: float) -> None:
    chance, share = Random(7), odds * asked / (odds * asked + 1 - asked)
    found = [fires(judged(), share, asked, chance) for _ in range(10)]
    assert sum(one is not None for one in found) <= 2  # a tenth of ten is promised


def test_requests_that_come_together_are_one_choice() -> None:
    asked, chance = 0.1, Random(7)
    split = judged(per_choice=20)
    assert [fires(split, asked, asked, chance, together=20) for _ in range(10)] == [None] * 10
    alone = [fires(judged(), asked, asked, chance, together=20) for _ in range(10)]
    assert sum(one is not None for one in alone) >= 5  # which is why it has to be said


@pytest.mark.parametrize(("share", "within"), [(0.2, 10), (0.05, 100), (0.5, 2), (0.0, 5)])
def test_a_split_that_is_far_off_is_found_soon(share: float, within: int) -> None:
    look = fires(judged(), share, 0.1, Random(7))
    assert look is not None
    assert look <= within


def test_it_says_how_many_requests_find_a_canary_with_twice_the_odds() -> None:
    split = judged()
    for asked, number in ((0.1, 927), (0.5, 509)):
        assert split.finds(2, asked) == number
        share = 2 * asked / (1 + asked)
        assert split.evidence_of(number * share, number * (1 - share), asked) >= split.least


def test_what_is_tolerated_is_a_range_around_the_asked_share() -> None:
    assert judged().tolerated(Decimal("0.1")) == (Decimal("0.08163"), Decimal("0.12196"))
    assert judged().tolerated(Decimal("0.5")) == (Decimal("0.44444"), Decimal("0.55556"))
