"""Criteria → why each is not met, asked of Prometheus; no answer and no data are not a yes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Criterion

from handrail_receiver.errors import TargetError
from handrail_receiver.ports import Clock
from handrail_receiver.prometheus import Asks

AT_ONCE = 4
GOOD_FOR = timedelta(seconds=30)
PAGE_WAITS = 2.0

Problems = Mapping[Criterion, str]


@dataclass
class Criteria:
    """Asks, a few questions at once. Pages get what is at most half a minute old, and never wait long for it."""

    prometheus: Asks
    clock: Clock
    _recent: dict[tuple[Criterion, ...], tuple[datetime, Problems]] = field(default_factory=dict)
    _asking: dict[tuple[Criterion, ...], asyncio.Task[Problems]] = field(default_factory=dict)

    async def ask(self, criteria: Sequence[Criterion]) -> Problems:
        """Why each is not met now; empty when it is."""
        few = asyncio.Semaphore(AT_ONCE)

        async def one(criterion: Criterion) -> str:
            async with few:
                return await self._problem(criterion)

        problems = dict(zip(criteria, await asyncio.gather(*map(one, criteria)), strict=True))
        self._recent[tuple(criteria)] = (self.clock.now(), problems)
        return problems

    async def recent(self, criteria: Sequence[Criterion]) -> Problems:
        """The same, for somebody who looks: those that are not answered in time are left out."""
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

    async def _problem(self, criterion: Criterion) -> str:
        try:
            broken = await self.prometheus.values(criterion.expr)
            seen = await self.prometheus.values(criterion.seen)
        except TargetError as error:
            return f"{criterion.guardrail}: {criterion.text}: unknown: {error}"
        if broken:
            return f"{criterion.guardrail}: not so over the whole stage: {criterion.text}"
        if not seen:
            return f"{criterion.guardrail}: {criterion.text}: unknown: no data, or too little traffic"
        return ""
