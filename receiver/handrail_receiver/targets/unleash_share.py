"""FlagShare → a feature that is on for a share of its users in one environment, by Unleash's gradual rollout strategy.

The token needs UPDATE_FEATURE_ENVIRONMENT, UPDATE_FEATURE_STRATEGY and CREATE_FEATURE_STRATEGY there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from handrail.contract import FlagShare

from handrail_receiver.errors import Cause, Permanent, TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.unleash_admin import (
    FeatureEnvironment,
    Strategy,
    UnleashAdmin,
    environment_url,
    where,
)

PERMISSIONS = ("UPDATE_FEATURE_ENVIRONMENT", "UPDATE_FEATURE_STRATEGY", "CREATE_FEATURE_STRATEGY")
GRADUAL = "flexibleRollout"


class UnleashShare:
    """Unleash, where a feature is on for whom any strategy says so: there must be one, and it is the gradual rollout."""

    def __init__(self, outside: Outside) -> None:
        self._admin = UnleashAdmin(outside)

    async def rehearse(self, step: FlagShare) -> Rehearsal:
        """Check that the feature is in this project, that no other strategy gives it to more, and what the token may do."""
        requests = [_on(step)]
        try:
            state = await self._admin.found(step)
            requests = _requests(step, state)
            await self._admin.may(step, *PERMISSIONS)
        except TargetError as error:
            return Rehearsal(
                ready=False, reason=str(error), step=step, call=_written(requests), cause=error.cause
            )
        reason = f"{_reading(step, state).found}; the token may change that without a change request"
        return Rehearsal(ready=True, reason=reason, step=step, call=_written(requests))

    async def read(self, step: FlagShare) -> Reading:
        """Read whether the feature is on, and for which share."""
        return _reading(step, await self._admin.found(step))

    async def act(self, step: FlagShare) -> None:
        """Set the share first, and switch the feature on then: without a strategy it would be on for everybody."""
        for request in _requests(step, await self._admin.found(step)):
            await self._admin.ask(step, *request)


def _reading(step: FlagShare, state: FeatureEnvironment) -> Reading:
    strategy = _gradual(step, state)
    share = None if strategy is None else _share(strategy)
    done = state.enabled and share == str(step.percent)
    return Reading(done=done, found=f"Unleash {where(step)} is {_said(share, enabled=state.enabled)}")


_Request = tuple[str, str, object]
"""Method, address and body."""


def _requests(step: FlagShare, state: FeatureEnvironment) -> list[_Request]:
    """What has to be sent."""
    strategy, share = _gradual(step, state), str(step.percent)
    strategies = f"{environment_url(step)}/strategies"
    if strategy is None:
        parameters = {"rollout": share, "stickiness": "default", "groupId": step.feature}
        return [("POST", strategies, {"name": GRADUAL, "parameters": parameters}), _on(step)]
    if _share(strategy) == share:
        return [_on(step)]
    change = [{"op": "replace", "path": "/parameters/rollout", "value": share}]
    return [("PATCH", f"{strategies}/{quote(strategy.id, safe='')}", change), _on(step)]


def _on(step: FlagShare) -> _Request:
    return ("POST", f"{environment_url(step)}/on", None)


def _written(requests: Sequence[_Request]) -> str:
    return "\n".join(
        f"{method} {url}" if body is None else f"{method} {url} {json.dumps(body)}"
        for method, url, body in requests
    )


def _gradual(step: FlagShare, state: FeatureEnvironment) -> Strategy | None:
    """The strategy whose share is the feature's; None where there is none at all.

    Another one beside it, or a constraint of its own, would make "10 %" untrue.
    """
    active = [one for one in state.strategies if not one.disabled]
    if not active:
        return None
    first, *others = active
    if others or first.name != GRADUAL or first.constraints or first.segments:
        named = ", ".join(one.name for one in active)
        raise Permanent(
            Cause.conflict,
            f"Unleash {where(step)} has the strategies {named}, so that nobody can say for which share it is on; "
            f"leave one {GRADUAL} without constraints and segments",
        )
    return first


def _share(strategy: Strategy) -> str:
    return strategy.parameters.get("rollout", "")


def _said(share: str | None, *, enabled: bool) -> str:
    of = "without a share" if share is None else f"for {share} %"
    return f"on {of}" if enabled else f"off, {of}"
