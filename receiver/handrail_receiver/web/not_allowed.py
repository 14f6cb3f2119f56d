"""A call that its caller's role does not allow → a refusal in the evidence, like any other."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request

from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import StoreDown
from handrail_receiver.model import Decision, History, Verdict
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.playbooks import Playbooks

log = logging.getLogger("handrail")
AGAIN_AFTER = timedelta(minutes=1)
"""So long one more of the same is no news: who may not do it cannot fill the evidence either."""
MOST_KEPT = 1000


@dataclass
class NotAllowed:
    """Records who asked for what without the role for it."""

    calls: CallHandler
    playbooks: Playbooks
    _kept: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    async def __call__(self, request: Request, caller: Caller, why: str) -> None:
        """Record one; while the store is down it goes into the log."""
        playbook = self.playbooks.get(request.path_params["name"])
        verb, now = request.scope["path"].rpartition("/")[2], self.calls.guard.clock.now()
        if playbook is None or not self._is_news((playbook.rollout, caller.name, verb), now):
            return

        def refused(history: History) -> Decision:
            attempt = history.attempt.id if history.attempt else 0
            return Decision(
                Verdict.refuse,
                "wrong-role",
                why,
                playbook.rollout,
                action=verb,
                by=caller.name,
                attempt=attempt,
            )

        try:
            await self.calls.guard.apply(playbook.rollout, refused)
        except StoreDown as error:
            log.warning("%s %s: refused (wrong-role) %s; not kept: %s", playbook.rollout, verb, why, error)

    def _is_news(self, what: tuple[str, str, str], now: datetime) -> bool:
        self._kept = _newer(self._kept, now)
        if what in self._kept or len(self._kept) >= MOST_KEPT:
            return False
        self._kept[what] = now
        return True


def _newer(
    kept: Mapping[tuple[str, str, str], datetime], now: datetime
) -> dict[tuple[str, str, str], datetime]:
    return {what: at for what, at in kept.items() if now - at < AGAIN_AFTER}
