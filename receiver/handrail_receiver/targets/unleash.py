"""FlagOff → a feature switched off in one environment, by Unleash's admin API.

A personal access token or a service account's token with the permission UPDATE_FEATURE_ENVIRONMENT is enough;
SKIP_CHANGE_REQUEST as well where the environment asks for change requests.
"""

from __future__ import annotations

from handrail.contract import FlagOff

from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.rehearsal import rehearsed
from handrail_receiver.targets.unleash_admin import UnleashAdmin, environment_url, where

UPDATE = "UPDATE_FEATURE_ENVIRONMENT"


class UnleashOff:
    """Unleash, where switching off a feature that is off changes nothing."""

    def __init__(self, outside: Outside) -> None:
        self._admin = UnleashAdmin(outside)

    async def rehearse(self, step: FlagOff) -> Rehearsal:
        """Check that the feature is in this project, and that this token may switch it off by itself."""
        return await rehearsed(step, self._checks, lambda pinned: f"POST {_off(pinned)}")

    async def read(self, step: FlagOff) -> Reading:
        """Read `enabled` of the feature in the environment."""
        enabled = (await self._admin.found(step)).enabled
        return Reading(done=not enabled, found=f"Unleash {where(step)} is {'on' if enabled else 'off'}")

    async def act(self, step: FlagOff) -> None:
        """Switch the feature off."""
        await self._admin.ask(step, "POST", _off(step))

    async def _checks(self, step: FlagOff) -> tuple[FlagOff, str]:
        reading = await self.read(step)
        await self._admin.may(step, UPDATE)
        return step, f"{reading.found}; the token may switch it off without a change request"


def _off(step: FlagOff) -> str:
    return f"{environment_url(step)}/off"
