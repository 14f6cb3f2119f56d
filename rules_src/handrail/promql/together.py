"""Several series that a measure reads as one → PromQL of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handrail.plan import Selector

Expression = Callable[[Selector], str]
PLACE = "__series__"
"""The label by which samples of several series are told apart until they are added up."""


def together(several: Sequence[Selector], expr: Expression) -> str:
    """Every sample of the expression of each: series of two metrics may have the same labels."""
    if len(several) == 1:
        return expr(several[0])
    marked = (
        f'label_replace({expr(one)}, "{PLACE}", "{place}", "", "")'
        for place, one in enumerate(several, start=1)
    )
    return f"({' or '.join(marked)})"


def any_of(several: Sequence[Selector], expr: Expression = str) -> str:
    """Samples where the expression of one of them has some."""
    parts = list(dict.fromkeys(map(expr, several)))
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"


def all_of(several: Sequence[Selector], expr: Expression = str) -> str:
    """Samples of the first, while the expression of each has some."""
    parts = list(map(expr, several))
    return parts[0] if len(parts) == 1 else f"({' and on () '.join(parts)})"
