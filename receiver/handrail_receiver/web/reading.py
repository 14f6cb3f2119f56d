"""Rollouts → their histories; one that cannot be read is logged and left out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import History
from handrail_receiver.ports import Attempts

log = logging.getLogger("handrail")


def cannot_be_read(error: Exception) -> str:
    """What is wrong with an attempt that another version wrote, on one line."""
    return " ".join(f"its attempt cannot be read ({type(error).__name__}: {error})".split())[:300]


async def readable(attempts: Attempts, rollouts: Iterable[str], now: datetime) -> dict[str, History]:
    """The history of each rollout that can be read. Raises StoreDown."""
    histories: dict[str, History] = {}
    for rollout in rollouts:
        try:
            histories[rollout] = await attempts.history(rollout, now)
        except UNREADABLE as error:
            log.warning("the attempt of %s cannot be read: %s", rollout, " ".join(str(error).split()))
    return histories
