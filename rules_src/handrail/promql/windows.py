"""A counter and a window → its events: as Prometheus estimates them, or counted and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.plan import Selector
from handrail.promql.counting import counted
from handrail.units import span

EVALUATED = Decimal("0.9")
"""The share of a window in which the rules must have been evaluated before an absence counts as the metric's."""


@dataclass(frozen=True)
class Estimated:
    """Events as Prometheus estimates them, now or some time `ago`: for dashboards, and for past values."""

    ago: timedelta | None = None

    def rate(self, counter: Selector, window: timedelta) -> str:
        """Events per second."""
        return f"rate({self.over(counter, window)})"

    def events(self, counter: Selector, window: timedelta) -> str:
        """Events in the window."""
        return f"increase({self.over(counter, window)})"

    def over(self, series: Selector, window: timedelta) -> str:
        """The samples of a window."""
        return f"{series}[{span(window)}]{self._offset}"

    def now(self, series: Selector) -> str:
        """The sample of now, or of some time `ago`."""
        return f"{series}{self._offset}"

    @property
    def judged(self) -> bool:
        """Whether the value is compared with a limit, so that impossible values must be left out."""
        return self.ago is not None

    @property
    def _offset(self) -> str:
        return f" offset {span(self.ago)}" if self.ago else ""


@dataclass(frozen=True)
class Counted(Estimated):
    """Events counted exactly, for what is judged.

    `from_zero` selects the targets whose new series count from zero; `evaluated` is the series that shows when the rules
    were evaluated, `every` so often.
    """

    from_zero: Selector | None = None
    evaluated: Selector | None = None
    every: timedelta = timedelta(seconds=30)

    @property
    def judged(self) -> bool:
        """Yes: it is recorded to be judged."""
        return True

    def events(self, counter: Selector, window: timedelta) -> str:
        """Events in the window."""
        return counted(counter, window, self.from_zero)


ESTIMATED = Estimated()
