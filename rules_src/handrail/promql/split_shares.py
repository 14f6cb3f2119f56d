"""The share that was asked for, and the requests of either arm → PromQL of the recordings about the split, and of the
reasons why it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.plan import Recording, Selector
from handrail.plan.split_evidence import CAP, ODDS, logarithm
from handrail.promql.remembered import REMEMBER, remembered
from handrail.promql.syntax import by
from handrail.units import plain, span

Labels = tuple[tuple[str, str], ...]


NO_CANARY, NO_STABLE = "the canary's requests are not counted", "the stable arm's requests are not counted"
NOT_ASKED = "nobody reports the asked share"
"""Why nobody knows how the traffic is split."""


def asked_share(rollout: str, settle: timedelta) -> str:
    """The share that is asked for the canary, while both arms should have traffic and it has not changed for `settle`.

    Its label says the share too, so that recordings of different shares are not added up.
    """
    said = Selector(names.WEIGHT_METRIC, ((names.ROLLOUT, "=", rollout),))
    lately = f"{said}[{span(settle)}]"
    share = f"(max({remembered(said)}) > 0 < 1)"
    return (
        f'{share} * on () group_left ({names.ASKED}) count_values("{names.ASKED}", {share})\n'
        f"unless on () max(max_over_time({lately})) > min(min_over_time({lately}))"
    )


def told_share(new: str, asked: Selector) -> str:
    """The new requests while there is an asked share, with it as a label."""
    return f"{new} * on () group_left ({names.ASKED}) ({asked} * 0 + 1)"


def likelihoods(
    labels: Labels, canary: Selector, stable: Selector, asked: Selector, most: Decimal, per_choice: int
) -> Iterator[Recording]:
    """The log-likelihood ratios of one evaluation, one for each alternative; plan/split_evidence.py says of what."""
    counts = tuple(by("sum", (names.ASKED,), str(arm)) for arm in (canary, stable))
    w = by("sum", (names.ASKED,), str(asked))
    for side, ours, share, rest in (
        ("more", counts[0], w, f"(1 - {w})"),
        ("less", counts[1], f"(1 - {w})", w),
    ):
        for odds in ODDS:
            tolerated = f"{plain((odds - 1) * most)} * {share} / ({plain(most)} * {share} + {rest})"
            whole = f"{ours} * {logarithm(odds)}\n- ({' + '.join(counts)}) * ln(1 + {tolerated})"
            expr = whole if per_choice == 1 else f"({whole}) / {per_choice}"
            apart = ((names.SIDE, side), (names.ODDS, plain(odds)))
            yield Recording(names.SPLIT_LIKELIHOOD, expr, (*labels, *apart))


def evidence(ratios: Selector, asked: Selector, window: timedelta) -> str:
    """The mean of the likelihood ratios over the window, as long as this share was asked for."""
    summed = f"sum_over_time({ratios}[{span(window)}]) and on ({names.ASKED}) {asked}"
    return f"avg(exp(clamp_max({summed}, {CAP})))"


def requests(counted: Selector, arm: tuple[str, ...], asked: Selector, window: timedelta) -> str:
    """The requests of each arm in the window, as long as this share was asked for."""
    return by("sum", arm, f"sum_over_time({counted}[{span(window)}]) and on ({names.ASKED}) {asked}")


def shares(events: Selector) -> str:
    """Each arm's share of the requests."""
    return f"{events} / on () group_left () (sum({events}) > 0)"


def unknown_split(
    rollout: str, canary: Selector, stable: Selector, asked: Selector, lately: timedelta
) -> str:
    """A sample with a `reason` for everything that the comparison needs and does not have."""
    said = Selector(names.WEIGHT_METRIC, ((names.ROLLOUT, "=", rollout),))

    def uncounted(arm: Selector) -> str:
        return f"absent_over_time({arm}[{span(lately)}]) and on () {asked}"

    because = {
        NO_CANARY: uncounted(canary),
        NO_STABLE: uncounted(stable),
        NOT_ASKED: f"absent_over_time({said}[{span(REMEMBER)}])",
    }
    return "\nor ".join(
        f'label_replace(count({lost}), "reason", "{reason}", "", "")' for reason, lost in because.items()
    )
