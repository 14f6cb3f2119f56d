"""Criteria → whether each is met, by Prometheus; no answer and no data are not a yes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Criterion

from handrail_receiver.errors import TargetError
from handrail_receiver.gates.gate import CriterionResult
from handrail_receiver.outside.prometheus import Queryable
from handrail_receiver.ports import Clock
from handrail_receiver.words.times import span

AT_ONCE = 4
GOOD_FOR = timedelta(seconds=30)
PAGE_WAITS = 2.0

Answers = Mapping[Criterion, CriterionResult]


@dataclass
class Criteria:
    """Queries Prometheus, a few criteria at once. Pages get results that are at most half a minute old, and never wait long."""

    prometheus: Queryable
    clock: Clock
    _recent: dict[tuple[Criterion, ...], tuple[datetime, Answers]] = field(default_factory=dict)
    _asking: dict[tuple[Criterion, ...], asyncio.Task[Answers]] = field(default_factory=dict)

    async def ask(self, criteria: Sequence[Criterion]) -> Answers:
        """The result of each criterion now."""
        few = asyncio.Semaphore(AT_ONCE)

        async def one(criterion: Criterion) -> CriterionResult:
            async with few:
                return await self._answer(criterion)

        answers = dict(zip(criteria, await asyncio.gather(*map(one, criteria)), strict=True))
        self._recent[tuple(criteria)] = (self.clock.now(), answers)
        return answers

    async def recent(self, criteria: Sequence[Criterion]) -> Answers:
        """The same for a page: criteria without an answer in time are left out."""
        key = tuple(criteria)
        at, known = self._recent.get(key, (None, {}))
        if at is not None and self.clock.now() - at < GOOD_FOR:
            return known
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self.ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        done, _ = await asyncio.wait({task}, timeout=PAGE_WAITS)
        return task.result() if done else {}

    async def _answer(self, criterion: Criterion) -> CriterionResult:
        name = f"{criterion.guardrail}: {criterion.text}"
        try:
            broken = await self.prometheus.values(criterion.expr)
            seen = await self.prometheus.values(criterion.seen)
            judged = seen or (await self.prometheus.values(criterion.judged) if criterion.judged else [])
        except TargetError as error:
            return CriterionResult(met=False, text=f"{name}: unknown: {error}", known=False)
        if broken:
            return CriterionResult(met=False, text=f"{name}: broken {_when(criterion, 'within ')}")
        if seen:
            held = "holds" if criterion.over is None else "held"
            return CriterionResult(met=True, text=f"{held} {_when(criterion)}{_for(criterion, seen[0])}")
        if not criterion.judged:
            return CriterionResult(
                met=False, text=f"{name}: unknown: no data, or too little traffic", known=False
            )
        share = f"only {_percent(judged[0])}" if judged else "none"
        text = f"{name}: unknown: {share} of {_when(criterion, '')} had data, and traffic enough, to be judged by"
        text += f"; {_percent(criterion.coverage)} are asked for"
        return CriterionResult(met=False, text=text, known=False)


def _when(criterion: Criterion, word: str = "over ") -> str:
    if criterion.over is None:
        return "now"
    return f"{word}the last {span(timedelta(seconds=criterion.over))}"


def _for(criterion: Criterion, share: float) -> str:
    return "" if criterion.over is None else f", {_percent(share)} of which could be judged"


def _percent(share: float) -> str:
    """Never rounded up: 89.9 % is less than 90 %."""
    return f"{math.floor(100 * share + 1e-6)} %"
