"""What every measure of the plan can say of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from handrail.plan.measurements import PlainMeasure


class MeasureBase:
    """What every measure can say of itself."""

    @property
    def inner(self) -> PlainMeasure:
        """The measure itself, without the condition it is bound to."""
        return cast("PlainMeasure", self)

    @property
    def width(self) -> timedelta:
        """The window over which the measure itself looks back; zero where it has none."""
        return getattr(self.inner, "window", None) or timedelta()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels by which the series of its value differ, beside the arm's."""
        return ()


@dataclass(frozen=True, kw_only=True)
class ForEach(MeasureBase):
    """What is measured for each value of the labels in `by`."""

    by: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of `by`."""
        return self.by
