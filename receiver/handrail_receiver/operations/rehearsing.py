"""A step → whether its target could do it now, by reading only. A fault is an answer: the way back is not sure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from handrail.contract import Step

from handrail_receiver.errors import Cause, TargetError
from handrail_receiver.ports import Rehearsal, Target
from handrail_receiver.words.steps import what

log = logging.getLogger("handrail")
MARGIN = 1.0
"""Each call of a rehearsal has the step's time; with so much more it can say which of them did not answer."""


async def rehearsed(targets: Mapping[str, Target], step: Step) -> Rehearsal:
    """Ask the step's target; raises nothing."""
    target = targets.get(step.kind)
    if target is None:
        reason = "this receiver has no target for it"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.missing)
    try:
        async with asyncio.timeout(step.timeout + MARGIN):
            return await target.rehearse(step)
    except TargetError as error:
        return Rehearsal(ready=False, reason=str(error), step=step, call="", cause=error.cause)
    except TimeoutError:
        reason = f"no answer within {step.timeout:g} s"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.timeout)
    except Exception as error:  # a fault of ours is a way back that is not sure, and no lost answer
        log.exception("%s could not be rehearsed", what(step))
        reason = f"a fault of Handrail's own: {type(error).__name__}: {error}"
        return Rehearsal(ready=False, reason=reason, step=step, call="", cause=Cause.broken)
