"""A rollout's evidence → some of its records as JSON, with the whole chain checked: piece by piece, so that nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.ports import Evidence
from handrail_receiver.store.chain import ChainEnd, first_broken
from handrail_receiver.view_models.schemas import EvidenceView, record_view

PIECE = 250
LONGEST_PAGE = 2000


class Wanted(BaseModel):
    """Which records: those after number `after`, at most `limit`."""

    model_config = ConfigDict(extra="forbid")
    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 1000


@dataclass(frozen=True)
class CheckedChains:
    """Reads and checks chains, one at a time however many ask."""

    evidence: Evidence
    end: Callable[[str], Awaitable[ChainEnd]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self, rollout: str, query: Mapping[str, str]) -> EvidenceView:
        """The records that are wanted; `whole` is about all there are. Raises ValidationError."""
        wanted = Wanted.model_validate(dict(query))
        async with self._turn:
            return await self._page(rollout, wanted)

    async def _page(self, rollout: str, wanted: Wanted) -> EvidenceView:
        end = await self.end(rollout)  # before it is read: what comes meanwhile is more, and never less
        last: EvidenceRecord | None = None
        broken: int | None = None
        shown: list[EvidenceRecord] = []
        while piece := await self.evidence.read(rollout, last.number if last else 0, PIECE):
            if broken is None:
                broken = await asyncio.to_thread(first_broken, piece, last)
            room = wanted.limit - len(shown)
            shown += [record for record in piece if record.number > wanted.after][:room]
            last = piece[-1]
        if broken is None and end.is_missed(last):
            broken = (last.number if last else 0) + 1
        more = last is not None and bool(shown) and shown[-1].number < last.number
        return EvidenceView(
            rollout=rollout,
            whole=broken is None,
            first_broken=broken,
            next=shown[-1].number if more else None,
            records=await asyncio.to_thread(lambda: list(map(record_view, shown))),
        )
