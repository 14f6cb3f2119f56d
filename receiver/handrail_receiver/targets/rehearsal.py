"""A step's checks → its `Rehearsal`, whether they pass or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from handrail.contract import Step

from handrail_receiver.errors import TargetError
from handrail_receiver.ports import Rehearsal

S = TypeVar("S", bound=Step)


async def rehearsed(
    step: S, checks: Callable[[S], Awaitable[tuple[S, str]]], call: Callable[[S], str]
) -> Rehearsal:
    """Run `checks`, which give the step with its open values pinned and say why it is ready.

    What they raise is why it is not ready.
    """
    try:
        pinned, reason = await checks(step)
    except TargetError as error:
        return Rehearsal(ready=False, reason=str(error), step=step, call=call(step), cause=error.cause)
    return Rehearsal(ready=True, reason=reason, step=pinned, call=call(pinned))
