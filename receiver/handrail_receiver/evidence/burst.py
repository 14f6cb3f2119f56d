"""The requests of a load burst → its record and its log: counts, errors, and percentiles of how long answers took. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from handrail.contract import BurstFacts
from pydantic import BaseModel, ConfigDict

from handrail_receiver.words.times import clock, span, when

BURST = "burst"
"""The kind of its record in the chain."""
BURST_BEGINS, BURST_WAITS = "load-burst", "load-burst-waits"
"""The reasons of the decisions that it begins, and that it does not while something speaks against it."""
PERCENTILES = (50, 90, 95, 99)

Ended = Literal["done", "stopped", "out-of-time", "interrupted"]


class _BurstModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Seconds(_BurstModel):
    """How long answers took, in seconds: of `count` requests that were answered at all; by the nearest rank."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


class BurstRecord(_BurstModel):
    """What the chain holds of a load burst.

    Of the `requests` asked for, `sent` were sent, `answered` got an answer, and `well` got the right one. `failed`
    were sent and are not `well`; `errors` says why. `log` is the SHA-256 of its log. `ok`: it was completed, and no
    more failed than allowed. With `known` False its receiver was killed, and nobody can say how many were sent.
    """

    attempt: int
    stage: str
    burst: str
    scheduled: str
    late: bool
    method: str
    url: str
    users: int
    requests: int
    begun_at: datetime
    ended_at: datetime
    ended: Ended
    why: str
    sent: int
    answered: int
    well: int
    failed: int
    errors: Mapping[str, int]
    seconds: Seconds | None
    log: str
    ok: bool
    text: str
    known: bool = True


@dataclass(frozen=True)
class SentRequest:
    """One request: by which user, when, how long it took, and its status (None: no answer, `error` says why)."""

    user: int
    number: int
    at: datetime
    seconds: float
    status: int | None
    error: str = ""

    def is_well(self, expect: int) -> bool:
        """Whether it was answered as it should be."""
        return self.status == expect


@dataclass(frozen=True)
class BurstRun:
    """A burst that was carried out, or begun. `late` says that it began long after its time; `why` why it did not go on.

    `known` False: whoever sent was killed, and nobody can say what was sent.
    """

    burst: BurstFacts
    attempt: int
    key: str
    late: bool
    begun_at: datetime
    ended_at: datetime
    ended: Ended
    why: str
    sent: tuple[SentRequest, ...]
    known: bool = True

    @property
    def failed(self) -> int:
        """How many had no answer, or another than they should have."""
        return sum(not one.is_well(self.burst.expect) for one in self.sent)

    @property
    def ok(self) -> bool:
        """Whether it was done, and no more failed than may."""
        return self.ended == "done" and self.failed <= self.burst.failed * len(self.sent)

    def record(self, log: str) -> BurstRecord:
        """What the chain holds of it; `log` is the SHA-256 of its log."""
        answered = [one.seconds for one in self.sent if one.status is not None]
        return BurstRecord(
            attempt=self.attempt,
            stage=self.burst.stage,
            burst=self.burst.label,
            scheduled=self.key,
            late=self.late,
            method=self.burst.method,
            url=self.burst.url,
            users=self.burst.users,
            requests=self.burst.requests,
            begun_at=self.begun_at,
            ended_at=self.ended_at,
            ended=self.ended,
            why=self.why,
            sent=len(self.sent),
            answered=len(answered),
            well=len(self.sent) - self.failed,
            failed=self.failed,
            errors=errors_of(self.sent, self.burst.expect),
            seconds=seconds_of(answered),
            log=log,
            ok=self.ok,
            text=self.text(),
            known=self.known,
        )

    def text(self) -> str:
        """The result, in a line."""
        late = ", late" if self.late else ""
        said = f"load burst {self.burst.label} of stage {self.burst.stage}{late}: {self.ended}"
        said += f" ({self.why})" if self.why else ""
        if not self.known:
            return f"{said}; {unsaid(self.burst.requests)}"
        said += f"; {len(self.sent)} of {self.burst.requests} sent, {self.failed} failed"
        times = seconds_of([one.seconds for one in self.sent if one.status is not None])
        return f"{said}; p95 {times.p95:.3g} s of {times.count}" if times else said

    def log(self) -> str:
        """A line for each request, between what was asked for and the result."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        burst = self.burst
        yield f"{burst.requests} requests by {burst.users} users: {burst.method} {burst.url}"
        yield f"begun {when(self.begun_at)}"
        for one in sorted(self.sent, key=lambda one: (one.at, one.number)):
            mark = "ok    " if one.is_well(burst.expect) else "failed"
            said = one.error if one.status is None else str(one.status)
            yield f"{clock(one.at)} {mark} user {one.user} request {one.number}: {said}, {one.seconds:.3f} s"
        yield f"ended {when(self.ended_at)}, after {span(self.ended_at - self.begun_at)}"
        yield self.text()


def unsaid(requests: int) -> str:
    """What is said of a burst of which nobody knows what was sent."""
    return f"how many of {requests} were sent is not known"


def counted(log: str) -> tuple[int, int]:
    """How many requests a log has, and how many of them failed."""
    lines = [line.split(" ", 2)[1] for line in log.splitlines() if " user " in line and " request " in line]
    return len(lines), lines.count("failed")


def errors_of(sent: Sequence[SentRequest], expect: int) -> dict[str, int]:
    """How many failed of what: by the status, or by what kept an answer away."""
    words = (one.error if one.status is None else str(one.status) for one in sent if not one.is_well(expect))
    return dict(sorted(Counter(words).items()))


def seconds_of(took: Sequence[float]) -> Seconds | None:
    """The mean and the percentiles; None of nothing."""
    if not took:
        return None
    ordered = sorted(took)
    ranks = {f"p{one}": ordered[math.ceil(one / 100 * len(ordered)) - 1] for one in PERCENTILES}
    values = {"mean": sum(ordered) / len(ordered), **ranks, "max": ordered[-1]}
    return Seconds(count=len(ordered), **{name: round(value, 4) for name, value in values.items()})


def due_at(burst: BurstFacts, entered: datetime) -> datetime:
    """Its moment in a stage that was entered then."""
    return entered + timedelta(seconds=burst.at)
