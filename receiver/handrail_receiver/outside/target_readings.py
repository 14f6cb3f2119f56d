"""A step → what its target holds now, or why nobody knows that; what goes wrong in one target is known of that one alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from handrail.contract import Step

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.ports import Reading, Target

log = logging.getLogger("handrail")


async def read_now(
    targets: Mapping[str, Target], step: Step, seconds: float | None = None
) -> Reading | TargetError:
    """Read once, within `seconds` (None: the step's own limit). Raises nothing: others are read beside it."""
    target, seconds = targets.get(step.kind), step.timeout if seconds is None else seconds
    if target is None:
        return Permanent(Cause.invalid, f"this receiver has no target for {step.kind}; install a newer one")
    try:
        async with asyncio.timeout(seconds):
            return await target.read(step)
    except TargetError as error:
        return error
    except TimeoutError:
        return Retryable(Cause.timeout, f"no answer within {seconds:g} s")
    except Exception as error:
        log.exception("a target of the kind %s could not be read", step.kind)
        return Permanent(Cause.broken, f"a fault of Handrail's own: {type(error).__name__}: {error}")
