"""Outcomes in a period → DORA's figures, MTTR and MTBF, by the definitions of docs/how-to/reports.md. Pure.

What failed counts in the period in which it began, what ended in the one in which it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median

from handrail_receiver.reports.outcomes import Failure, Outcome


@dataclass(frozen=True)
class Figures:
    """What is counted of a period that lasted `length` so far.

    `deployed` are the rollouts that were completed, `ended` those that gave the new version users' traffic and ended,
    however they did; `failed` are those of them that were rolled back. `failures` are what began in the period, `false`
    those of them that people marked as false: they count everywhere, and are shown beside.
    """

    length: timedelta
    to_staging: int
    deployed: tuple[Outcome, ...]
    ended: tuple[Outcome, ...]
    failed: tuple[Outcome, ...]
    failures: tuple[Failure, ...]

    @property
    def false(self) -> tuple[Failure, ...]:
        """What people marked as a false rollback."""
        return tuple(one for one in self.failures if one.false)

    @property
    def per_day(self) -> Fraction | None:
        """Deployment frequency: completed rollouts for each day; None where no time has passed."""
        return (
            Fraction(len(self.deployed)) / Fraction(self.length / timedelta(days=1)) if self.length else None
        )

    @property
    def change_fail_rate(self) -> Fraction | None:
        """The share (0..1) of what ended that had failed; None where nothing ended."""
        return Fraction(len(self.failed), len(self.ended)) if self.ended else None

    @property
    def fail_rate_without_false(self) -> Fraction | None:
        """The same without what people marked as false, in both counts."""
        true = [one for one in self.ended if not _is_false(one)]
        failed = [one for one in self.failed if not _is_false(one)]
        return Fraction(len(failed), len(true)) if true else None

    @property
    def restored(self) -> tuple[timedelta, ...]:
        """How long each failure lasted that is over."""
        return tuple(one.lasted for one in self.failures if one.lasted is not None)

    @property
    def unrestored(self) -> int:
        """How many are not over."""
        return len(self.failures) - len(self.restored)

    @property
    def mean_time_to_recovery(self) -> timedelta | None:
        """MTTR: the mean of how long they lasted; None where none is over."""
        return sum(self.restored, timedelta()) / len(self.restored) if self.restored else None

    @property
    def recovery_time(self) -> timedelta | None:
        """Failed deployment recovery time: the median of how long they lasted; None where none is over."""
        seconds = median([one.total_seconds() for one in self.restored]) if self.restored else None
        return None if seconds is None else timedelta(seconds=seconds)

    def mean_time_between_failures(self, end: datetime) -> timedelta | None:
        """MTBF: the time in which nothing was broken, for each failure; None without one. `end` is the period's."""
        if not self.failures:
            return None
        return max(timedelta(), self.length - broken(self.failures, end)) / len(self.failures)


def figures_of(outcomes: Sequence[Outcome], start: datetime, end: datetime) -> Figures:
    """What is counted from `start` up to `end`, which is not later than now."""
    ended = tuple(
        one
        for one in outcomes
        if one.ended_at is not None and start <= one.ended_at < end and one.in_production
    )
    stays = (one.in_staging for one in outcomes)
    return Figures(
        length=max(timedelta(), end - start),
        to_staging=sum(stay is not None and start <= stay.start < end for stay in stays),
        deployed=tuple(one for one in ended if one.result == "complete"),
        ended=ended,
        failed=tuple(one for one in ended if one.failure is not None),
        failures=tuple(
            one.failure for one in outcomes if one.failure is not None and start <= one.failure.began < end
        ),
    )


def broken(failures: Sequence[Failure], end: datetime) -> timedelta:
    """How long anything was broken, what overlaps counted once; what is not over lasts until `end`."""
    spans = sorted((one.began, min(one.restored or end, end)) for one in failures)
    whole, until = timedelta(), None
    for begins, ends in spans:
        start = begins if until is None else max(begins, until)
        whole += max(timedelta(), ends - start)
        until = ends if until is None else max(until, ends)
    return whole


def _is_false(outcome: Outcome) -> bool:
    return outcome.failure is not None and bool(outcome.failure.false)
