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
    those of them that people marked as false: they count everywhere, and are shown beside. `watched` are the incidents
    without a rollback that began in it. `broken` is how much of the
    period anything was broken, by what had begun before it too.
    """

    length: timedelta
    to_staging: int
    deployed: tuple[Outcome, ...]
    ended: tuple[Outcome, ...]
    failed: tuple[Outcome, ...]
    failures: tuple[Failure, ...]
    broken: timedelta
    watched: tuple[Failure, ...] = ()

    @property
    def false(self) -> tuple[Failure, ...]:
        """What people marked as a false rollback."""
        return tuple(one for one in self.failures if one.false)

    @property
    def incidents(self) -> tuple[Failure, ...]:
        """Everything for which an incident was opened, by when it began."""
        return tuple(sorted((*self.failures, *self.watched), key=lambda one: one.began))

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
    def failed_falsely(self) -> int:
        """How many of what failed people marked as false: not those of `false`, which may end after the period."""
        return sum(map(_is_false, self.failed))

    @property
    def fail_rate_without_false(self) -> Fraction | None:
        """The same without what people marked as false, in both counts."""
        true = len(self.ended) - self.failed_falsely
        return Fraction(len(self.failed) - self.failed_falsely, true) if true else None

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

    @property
    def mean_time_between_failures(self) -> timedelta | None:
        """MTBF: the time in which nothing was broken, for each failure that began; None without one."""
        return (self.length - self.broken) / len(self.failures) if self.failures else None


def figures_of(
    outcomes: Sequence[Outcome], start: datetime, end: datetime, before: Sequence[Failure] = ()
) -> Figures:
    """What is counted from `start` up to `end`, which is not later than now; `before` is what no attempt had begun for."""
    watched = [*before, *(one.watched for one in outcomes if one.watched is not None)]
    ended = tuple(
        one
        for one in outcomes
        if one.ended_at is not None and start <= one.ended_at < end and one.in_production
    )
    stays = (one.in_staging for one in outcomes)
    failures = [one.failure for one in outcomes if one.failure is not None]
    return Figures(
        length=max(timedelta(), end - start),
        to_staging=sum(stay is not None and start <= stay.start < end for stay in stays),
        deployed=tuple(one for one in ended if one.result == "complete"),
        ended=ended,
        failed=tuple(one for one in ended if one.failure is not None),
        failures=tuple(one for one in failures if start <= one.began < end),
        broken=broken(failures, start, end),
        watched=tuple(one for one in watched if start <= one.began < end),
    )


def broken(failures: Sequence[Failure], start: datetime, end: datetime) -> timedelta:
    """How much of a time anything was broken, what overlaps counted once; what is not over lasts until `end`."""
    spans = sorted((max(one.began, start), min(one.restored or end, end)) for one in failures)
    whole, until = timedelta(), start
    for begins, ends in spans:
        whole += max(timedelta(), ends - max(begins, until))
        until = max(until, ends)
    return whole


def _is_false(outcome: Outcome) -> bool:
    return outcome.failure is not None and bool(outcome.failure.false)
