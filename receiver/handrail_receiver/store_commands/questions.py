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
from handrail_receiver.errors import TargetError
from handrail_receiver.store_commands import listing
from handrail_receiver.store_commands.backup import back_up
from handrail_receiver.store_commands.checkpoints import Remembering, remembered
from handrail_receiver.store_commands.listing import Filter
from handrail_receiver.store_commands.opening import Opened, opened, store_url
from handrail_receiver.store_commands.status import status
from handrail_receiver.store_commands.tables import (
    TextTable,
    evidence_table,
    notifications_table,
    runs_table,
    status_tables,
    verify_table,
)
from handrail_receiver.store_commands.verify import (
    ComparedView,
    VerifyView,
    compared,
    not_compared,
    problems,
    verify,
)


@dataclass(frozen=True)
class Inspection:
    """What was found. `problems` are for stderr; any of them makes the answer a no. `unknown` is what nobody can know."""

    tables: tuple[TextTable, ...]
    document: str
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Questions:
    """What can be asked of the store at `where`, or of the one that the settings name.

    Every question raises WrongSettings or StoreDown when it cannot be answered.
    """

    where: str | None = None

    def status(self) -> Inspection:
        """Where it is, what it holds, whether anything is stuck."""
        with opened(store_url(self.where)) as store:
            view = status(store, SystemClock().now())
        return Inspection(tuple(status_tables(view)), view.model_dump_json(indent=2), tuple(view.problems))

    def notifications(self, rollout: str, since: datetime | None, limit: int) -> Inspection:
        """What was delivered."""
        with opened(store_url(self.where)) as store:
            deliveries = listing.notifications(store, Filter(rollout, since=since, limit=limit))
        return Inspection((notifications_table(deliveries),), _document("notifications", deliveries))

    def runs(self, rollout: str, attempt: int | None, since: datetime | None, limit: int) -> Inspection:
        """What was carried out."""
        with opened(store_url(self.where)) as store:
            views = listing.runs(store, Filter(rollout, attempt, since=since, limit=limit))
        return Inspection((runs_table(views),), _document("runs", views))

    def evidence(
        self, rollout: str, attempt: int | None, kind: str, since: datetime | None, limit: int
    ) -> Inspection:
        """What was decided and done."""
        with opened(store_url(self.where)) as store:
            records = listing.evidence(store, Filter(rollout, attempt, kind, since, limit))
            runs = listing.runs_behind(store, records)
        return Inspection((evidence_table(records, runs),), _document("evidence", records))

    def verify(self, source: Remembering | None = None) -> Inspection:
        """Whether all of it is whole, and as the Prometheus remembers that is given."""
        with opened(store_url(self.where)) as store:
            view = verify(store)
            if source is not None:
                view = _compared(store, view, source)
        unknown = tuple(view.unknown) if isinstance(view, ComparedView) else ()
        return Inspection(
            (verify_table(view),), view.model_dump_json(indent=2), tuple(problems(view)), unknown
        )

    def backup(self, copy: Path) -> Inspection:
        """Copy it, and say whether the copy is whole."""
        view = back_up(store_url(self.where), copy)
        return Inspection((verify_table(view),), view.model_dump_json(indent=2), tuple(problems(view)))


def _compared(store: Opened, view: VerifyView, source: Remembering) -> ComparedView:
    now = SystemClock().now()
    try:
        return compared(store, view, remembered(source, now), now)
    except TargetError as error:
        why = str(error).replace("HANDRAIL_PROMETHEUS", "--prometheus")
        return not_compared(view, f"{source.address}: {why}")


def _document(name: str, views: Sequence[BaseModel]) -> str:
    listed: list[Any] = [one.model_dump(mode="json") for one in views]
    return json.dumps({name: listed}, indent=2, ensure_ascii=False)
