"""A person's question about the store → its answer: as tables, as JSON, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from handrail_receiver.clock import SystemClock
from handrail_receiver.inspection import listing
from handrail_receiver.inspection.backup import back_up
from handrail_receiver.inspection.listing import Asked
from handrail_receiver.inspection.opening import opened, store_url
from handrail_receiver.inspection.status import status
from handrail_receiver.inspection.tables import (
    Sheet,
    evidence_sheet,
    notifications_sheet,
    runs_sheet,
    status_sheets,
    verify_sheet,
)
from handrail_receiver.inspection.verify import problems, verify


@dataclass(frozen=True)
class Answer:
    """What was found. `problems` are for stderr; any of them makes the answer a no."""

    sheets: tuple[Sheet, ...]
    document: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Questions:
    """What can be asked of the store at `where`, or of the one that the settings name.

    Every question raises WrongSettings or StoreDown when it cannot be answered.
    """

    where: str | None = None

    def status(self) -> Answer:
        """Where it is, what it holds, whether anything is stuck."""
        with opened(store_url(self.where)) as store:
            view = status(store, SystemClock().now())
        return Answer(tuple(status_sheets(view)), view.model_dump_json(indent=2), tuple(view.problems))

    def notifications(self, rollout: str, since: datetime | None, limit: int) -> Answer:
        """What was delivered."""
        with opened(store_url(self.where)) as store:
            found = listing.notifications(store, Asked(rollout, since=since, limit=limit))
        return Answer((notifications_sheet(found),), _document("notifications", found))

    def runs(self, rollout: str, attempt: int | None, since: datetime | None, limit: int) -> Answer:
        """What was carried out."""
        with opened(store_url(self.where)) as store:
            found = listing.runs(store, Asked(rollout, attempt, since=since, limit=limit))
        return Answer((runs_sheet(found),), _document("runs", found))

    def evidence(
        self, rollout: str, attempt: int | None, kind: str, since: datetime | None, limit: int
    ) -> Answer:
        """What was decided and done."""
        with opened(store_url(self.where)) as store:
            found = listing.evidence(store, Asked(rollout, attempt, kind, since, limit))
            runs = listing.runs_behind(store, found)
        return Answer((evidence_sheet(found, runs),), _document("evidence", found))

    def verify(self) -> Answer:
        """Whether all of it is whole."""
        with opened(store_url(self.where)) as store:
            view = verify(store)
        return Answer((verify_sheet(view),), view.model_dump_json(indent=2), tuple(problems(view)))

    def backup(self, copy: Path) -> Answer:
        """Copy it, and say whether the copy is whole."""
        view = back_up(store_url(self.where), copy)
        return Answer((verify_sheet(view),), view.model_dump_json(indent=2), tuple(problems(view)))


def _document(name: str, found: Sequence[BaseModel]) -> str:
    listed: list[Any] = [one.model_dump(mode="json") for one in found]
    return json.dumps({name: listed}, indent=2, ensure_ascii=False)
