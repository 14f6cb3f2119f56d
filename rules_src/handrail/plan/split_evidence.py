"""Counts of two arms and an asked share → the evidence that the traffic is not split as asked.

Source: the anytime-valid test of multinomial counts of Lindon and Malek (2022), one-sided in either direction, with a
discrete mixture of alternatives (Robbins 1970).

Nothing is wrong while the canary's odds are within `most` of the asked odds. Of each evaluation with `c` requests of the
canary and `s` of the stable arm, `r` times the odds that are just tolerated have, against these, the log-likelihood ratio

    c · ln r - (c + s) · ln(1 + (r - 1) · q),     q = most · w / (most · w + 1 - w)

with the asked share `w`; in the other direction `c` and `s`, and `w` and 1 - `w`, change places. While nothing is wrong the
exponential of each sum has a mean of at most 1, and so has their mean, the evidence. Of a window it is at least `looks / alpha` with a chance of at most `alpha / looks` (Markov), and of as many
windows as there are looks in a day one is with a chance of at most `alpha`: the rules may look as often as they like.
Where up to `per_choice` requests follow one choice of an arm, the sums are divided by it (Jensen).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.plan.selectors import Selector
from handrail.units import plain

ODDS = (Decimal("1.25"), Decimal(2), Decimal(10))
"""The alternatives: so many times the odds that are just tolerated."""
SIDES = ("more", "less")
"""The canary has more than it should, or less."""
CAP = 700
"""The largest exponent that a float can take."""


@dataclass(frozen=True)
class SampleRatio:
    """How the split is judged; `most` is how many times the asked odds are tolerated, `settle` how long a new share must stand.

    `canary` and `stable` select what is recorded of either arm's requests, `counted` the service's own series of them, and
    `evidence` what is recorded of it, which must reach `least` for a mismatch.
    """

    counted: tuple[Selector, ...]
    most: Decimal
    window: timedelta
    settle: timedelta
    per_choice: int
    least: Decimal
    canary: Selector
    stable: Selector
    evidence: Selector

    def tolerated(self, asked: Decimal) -> tuple[Decimal, Decimal]:
        """The lowest and the highest share that are no mismatch, rounded outwards to a thousandth of a percent."""
        step = Decimal("0.00001")
        low = (asked / (asked + self.most * (1 - asked))).quantize(step, "ROUND_FLOOR")
        high = (self.most * asked / (self.most * asked + 1 - asked)).quantize(step, "ROUND_CEILING")
        return low, high

    def evidence_of(self, canary: float, stable: float, asked: float) -> float:
        """The evidence in so many requests while one share was asked for."""
        return mixture(
            [
                ratio(canary, stable, asked, side, float(odds), float(self.most)) / self.per_choice
                for side in SIDES
                for odds in ODDS
            ]
        )

    def finds(self, times: float, asked: float) -> int:
        """How many requests it takes until the canary's having so many times the asked odds is found, on average."""
        share = times * asked / (times * asked + 1 - asked)
        few, many = 1, 2
        while self.evidence_of(many * share, many * (1 - share), asked) < self.least:
            few, many = many, 2 * many
        while many - few > 1:
            between = (few + many) // 2
            enough = self.evidence_of(between * share, between * (1 - share), asked) >= self.least
            few, many = (few, between) if enough else (between, many)
        return many


def ratio(canary: float, stable: float, asked: float, side: str, odds: float, most: float) -> float:
    """The log-likelihood ratio of one alternative."""
    more = side == "more"
    ours, share = (canary, asked) if more else (stable, 1 - asked)
    tolerated = most * share / (most * share + 1 - share)
    return ours * math.log(odds) - (canary + stable) * math.log(1 + (odds - 1) * tolerated)


def mixture(sums: Sequence[float]) -> float:
    """The mean of the likelihood ratios whose logarithms these are."""
    return sum(math.exp(min(one, CAP)) for one in sums) / len(sums)


def logarithm(odds: Decimal) -> str:
    """ln(odds), as it is written in a query."""
    return plain(Decimal(repr(round(math.log(odds), 12))))
