"""Criteria → whether each is met, by Prometheus; no answer and no data are not a yes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Criterion, StageEvents

from handrail_receiver.errors import Permanent, TargetError
from handrail_receiver.gates.gate import CriterionResult
from handrail_receiver.outside.prometheus import Queryable, Sample
from handrail_receiver.ports import Clock
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import span

AT_ONCE = 4
GOOD_FOR = timedelta(seconds=30)
SLOW_FOR = timedelta(minutes=5)
"""How long criteria are asked by themselves that took too long beside something else."""
PAGE_WAITS = 2.0

ASKED = "handrail_asked"
"""The label that tells which part of which criterion a sample is about."""

Answers = Mapping[Criterion, CriterionResult]
AskCriteria = Callable[[Sequence[Criterion], datetime | None], Awaitable[Answers]]
"""Whoever can be asked for criteria of a stage that has baked since then; None: of no stage."""
Key = tuple[tuple[Criterion, ...], datetime | None]


@dataclass(frozen=True)
class _Said:
    """What Prometheus says of one criterion: a value where there is a sample."""

    broken: float | None
    seen: float | None
    judged: float | None
    there: float | None
    count: float | None


PARTS = ("broken", "seen", "judged", "there", "count")


@dataclass
class AskedBeside:
    """Criteria that are asked beside something else, in one question: `expr` is to follow another one after `or`.

    Until somebody said the result, or where it could not be asked so, they are asked by themselves.
    """

    owner: Criteria
    key: Key
    expr: str
    others: asyncio.Future[Answers]
    _answers: Answers | None = None

    def heard(self, samples: Sequence[Sample]) -> None:
        """What was answered; samples of other things are passed over."""
        criteria, _ = self.key
        said = _read(criteria, samples)
        self._keep({one: _result(one, answer) for one, answer in zip(criteria, said, strict=True)})

    def failed(self, why: TargetError) -> None:
        """Prometheus did not answer."""
        criteria, _ = self.key
        self._keep({one: _unknown(one, why) for one in criteria})

    def late(self) -> None:
        """There was no answer in time, and these may be why."""
        self._answers = {}
        self.owner.slow(self.key)

    def done(self) -> None:
        """Nothing more comes of that question: whoever looks meanwhile waits for it no longer."""
        self.owner.asked(self.key)
        if not self.others.done():
            self.others.set_result(self._answers or {})

    async def answers(self) -> Answers:
        """The result of each."""
        return await self.owner.recent(*self.key) if self._answers is None else self._answers

    def _keep(self, answers: Answers) -> None:
        self._answers = answers
        self.owner.keep(self.key, answers)


@dataclass
class Criteria:
    """Queries Prometheus once for all criteria. Pages get results that are at most half a minute old, and never wait long."""

    prometheus: Queryable
    clock: Clock
    _recent: dict[Key, tuple[datetime, Answers]] = field(default_factory=dict)
    _asking: dict[Key, asyncio.Future[Answers]] = field(default_factory=dict)
    _slow: dict[Key, datetime] = field(default_factory=dict)

    def beside(self, criteria: Sequence[Criterion], since: datetime | None = None) -> AskedBeside | None:
        """The same criteria to be asked beside something else; None where nobody need ask, or they take too long for it."""
        key, now = (tuple(criteria), since), self.clock.now()
        at, _ = self._recent.get(key, (None, {}))
        fresh = at is not None and now - at < GOOD_FOR
        if not criteria or fresh or key in self._asking or now < self._slow.get(key, now):
            return None
        asked = self._asked(*key)
        if not asked:
            return None
        others = self._asking[key] = asyncio.get_running_loop().create_future()
        return AskedBeside(self, key, "\nor ".join(asked), others)

    def asked(self, key: Key) -> None:
        """They are no longer asked."""
        self._asking.pop(key, None)

    def keep(self, key: Key, answers: Answers) -> None:
        """What is known now, for those who look soon after; what nobody would be told any more is forgotten."""
        now = self.clock.now()
        self._recent = {one: told for one, told in self._recent.items() if now - told[0] < GOOD_FOR}
        self._slow = {one: until for one, until in self._slow.items() if now < until}
        self._recent[key] = (now, answers)

    def slow(self, key: Key) -> None:
        """They took too long beside something else."""
        self._slow[key] = self.clock.now() + SLOW_FOR

    async def ask(self, criteria: Sequence[Criterion], since: datetime | None = None) -> Answers:
        """The result of each criterion now, of a stage that has baked since then: all are asked at once, and one by one
        where that cannot be answered.
        """
        try:
            said = await self._together(criteria, since)
        except Permanent:
            said = await self._one_by_one(criteria, since)
        except TargetError as error:
            said = [error] * len(criteria)
        answers = {
            one: _unknown(one, answer) if isinstance(answer, TargetError) else _result(one, answer)
            for one, answer in zip(criteria, said, strict=True)
        }
        self.keep((tuple(criteria), since), answers)
        return answers

    def _asked(self, criteria: Sequence[Criterion], since: datetime | None) -> list[str]:
        now = self.clock.now()
        return _asked([one.spanning((now - (since or now)).total_seconds()) for one in criteria])

    async def _together(
        self, criteria: Sequence[Criterion], since: datetime | None
    ) -> list[_Said | TargetError]:
        """What Prometheus says of all: one question. Raises Permanent where one of them cannot be computed."""
        asked = self._asked(criteria, since)
        if not asked:
            return []
        return [*_read(criteria, await self.prometheus.samples("\nor ".join(asked)))]

    async def _one_by_one(
        self, criteria: Sequence[Criterion], since: datetime | None
    ) -> list[_Said | TargetError]:
        """The same, a few at once: what cannot be computed of one says nothing of the others."""
        few = asyncio.Semaphore(AT_ONCE)

        async def one(criterion: Criterion) -> _Said | TargetError:
            async with few:
                try:
                    [said] = await self._together([criterion], since)
                except TargetError as error:
                    return error
                return said

        return await asyncio.gather(*map(one, criteria))

    async def recent(self, criteria: Sequence[Criterion], since: datetime | None = None) -> Answers:
        """The same for a page: criteria without an answer in time are left out."""
        key = tuple(criteria), since
        at, known = self._recent.get(key, (None, {}))
        if at is not None and self.clock.now() - at < GOOD_FOR:
            return known
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self.ask(*key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        done, _ = await asyncio.wait({task}, timeout=PAGE_WAITS)
        return task.result() if done else {}


def _asked(criteria: Sequence[Criterion]) -> list[str]:
    """What asks for each part of each criterion, under its name."""
    return [
        _named(expr, f"{place}/{part}")
        for place, one in enumerate(criteria)
        for part, expr in zip(PARTS, _queries(one), strict=True)
        if expr
    ]


def _queries(one: Criterion) -> tuple[str, ...]:
    return one.expr, one.seen, one.judged, one.there, one.events.count if one.events else ""


def _read(criteria: Sequence[Criterion], samples: Sequence[Sample]) -> list[_Said]:
    """What the answer says of each; a value that is no number (0/0) never says that anything is well."""
    known = {
        name: one.value
        for one in samples
        if (name := one.labels.get(ASKED, "")).endswith("/broken") or not math.isnan(one.value)
    }
    return [_Said(*(known.get(f"{place}/{part}") for part in PARTS)) for place in range(len(criteria))]


def _named(expr: str, name: str) -> str:
    """The largest sample of an expression under this name; none where it has none."""
    return f'label_replace(max({expr}), "{ASKED}", "{name}", "", "")'


def _unknown(criterion: Criterion, why: TargetError) -> CriterionResult:
    text = f"{criterion.guardrail}: {criterion.text}: unknown: {why}"
    return CriterionResult(met=False, text=text, known=False)


def _result(criterion: Criterion, said: _Said) -> CriterionResult:
    name = f"{criterion.guardrail}: {criterion.text}"
    if criterion.events is not None:
        return _of_events(name, criterion, criterion.events, said)
    if said.broken is not None:
        return CriterionResult(met=False, text=f"{name}: broken {_when(criterion, 'within ')}")
    if said.seen is not None:
        held = "holds" if criterion.over is None else "held"
        return CriterionResult(met=True, text=f"{held} {_when(criterion)}{_for(criterion, said.seen)}")
    if not criterion.judged:
        return CriterionResult(
            met=False, text=f"{name}: unknown: no data, or too little traffic", known=False
        )
    return CriterionResult(met=False, text=f"{name}: unknown: {_too_little(criterion, said)}", known=False)


def _of_events(name: str, criterion: Criterion, events: StageEvents, said: _Said) -> CriterionResult:
    """What all events since the stage began say together; too few say nothing yet."""
    number = f"{math.floor(said.count or 0):,} events since the stage began"
    if said.broken is not None:
        return CriterionResult(
            met=False, text=f"{name}: broken: {figure(str(said.broken), events.unit)}, of {number}"
        )
    if said.seen is not None:
        return CriterionResult(met=True, text=f"{figure(str(said.seen), events.unit)}, of {number}")
    if (said.there or 0) < criterion.there_for:
        share = f"only {_percent(said.there)}" if said.there is not None else "none"
        text = f"unknown: {share} of the stage had data at all; {_percent(criterion.there_for)} is required"
    else:
        text = f"not yet judged: {number}; {events.least:,} are needed"
    return CriterionResult(met=False, text=f"{name}: {text}", known=False)


def _too_little(criterion: Criterion, said: _Said) -> str:
    """Of how much of the stage the data was there, where that was too little; of how much there was traffic, otherwise."""
    share, had, asked = said.judged, "had data, and traffic enough, to be judged by", criterion.coverage
    if criterion.there and (said.there or 0) < criterion.there_for:
        share, had, asked = said.there, "had data at all", criterion.there_for
    part = f"only {_percent(share)}" if share is not None else "none"
    return f"{part} of {_when(criterion, '')} {had}; {_percent(asked)} is required"


def _when(criterion: Criterion, word: str = "over ") -> str:
    if criterion.over is None:
        return "now"
    return f"{word}the last {span(timedelta(seconds=criterion.over))}"


def _for(criterion: Criterion, share: float) -> str:
    return "" if criterion.over is None else f", {_percent(share)} of which could be judged"


def _percent(share: float) -> str:
    """Never rounded up: 89.9 % is less than 90 %."""
    return f"{math.floor(100 * share + 1e-6)} %"
