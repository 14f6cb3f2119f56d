"""FlagOff → a feature switched off in one environment, by Unleash's admin API.

Checked against Unleash 6. A personal access token or a service account's token with the permission
UPDATE_FEATURE_ENVIRONMENT is enough; SKIP_CHANGE_REQUEST as well where the environment asks for change requests.
"""

from __future__ import annotations

from urllib.parse import quote

from handrail.contract import FlagOff

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Answer, AnswerBody, Outside, RefusedByService
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.rehearsal import rehearsed

UPDATE = "UPDATE_FEATURE_ENVIRONMENT"
SKIP = "SKIP_CHANGE_REQUEST"


class UnleashOff:
    """Unleash, where switching off a feature that is off changes nothing."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: FlagOff) -> Rehearsal:
        """Check that the feature stands in this project, and that this token may switch it off by itself."""
        return await rehearsed(step, self._checks, lambda pinned: f"POST {_off(pinned)}")

    async def read(self, step: FlagOff) -> Reading:
        """Read `enabled` of the feature in the environment."""
        enabled = _enabled(step, (await self._ask(step, "GET", _feature(step))).into(_Feature))
        return Reading(done=not enabled, found=f"Unleash {_where(step)} is {'on' if enabled else 'off'}")

    async def act(self, step: FlagOff) -> None:
        """Switch the feature off."""
        await self._ask(step, "POST", _off(step))

    async def _ask(self, step: FlagOff, method: str, url: str) -> Answer:
        headers = self._outside.bearer(step.token, scheme="")
        return await self._outside.ask("Unleash", method, url, timeout=step.timeout, headers=headers)

    async def _checks(self, step: FlagOff) -> tuple[FlagOff, str]:
        reading = await self.read(step)
        me = (await self._ask(step, "GET", f"{_admin(step)}/user")).into(_Me)
        if not _may(me, UPDATE, step):
            raise Permanent(
                Cause.refused,
                f"the token may not switch {_where(step)}; give it {UPDATE} for this project and environment",
            )
        if not _may(me, SKIP, step) and await self._asks_for_change_requests(step):
            raise Permanent(
                Cause.refused,
                f"{step.environment} asks for change requests, which wait for people; give the token {SKIP}",
            )
        return step, f"{reading.found}; the token may switch it off without a change request"

    async def _asks_for_change_requests(self, step: FlagOff) -> bool:
        url = f"{_project(step)}/change-requests/config"
        try:
            environments = (await self._ask(step, "GET", url)).into(list[_ChangeRequests])
        except RefusedByService as answer:
            if answer.status == 404:  # the open source edition has no change requests
                return False
            raise
        return any(one.environment == step.environment and one.change_request_enabled for one in environments)


class _FeatureEnvironment(AnswerBody):
    name: str
    enabled: bool


class _Feature(AnswerBody):
    project: str
    environments: list[_FeatureEnvironment]


class _Held(AnswerBody):
    permission: str
    project: str | None = None
    environment: str | None = None


class _Me(AnswerBody):
    permissions: list[_Held]


class _ChangeRequests(AnswerBody):
    environment: str
    change_request_enabled: bool


def _where(step: FlagOff) -> str:
    return f"{step.project}/{step.feature} in {step.environment}"


def _admin(step: FlagOff) -> str:
    return f"{step.url.rstrip('/')}/api/admin"


def _project(step: FlagOff) -> str:
    return f"{_admin(step)}/projects/{quote(step.project, safe='')}"


def _feature(step: FlagOff) -> str:
    return f"{_project(step)}/features/{quote(step.feature, safe='')}"


def _off(step: FlagOff) -> str:
    return f"{_feature(step)}/environments/{quote(step.environment, safe='')}/off"


def _enabled(step: FlagOff, feature: _Feature) -> bool:
    """Whether `feature` is on in the step's environment.

    The answer's project is compared, because Unleash may ignore the project in the address when it reads.
    """
    if feature.project == step.project:
        for environment in feature.environments:
            if environment.name == step.environment:
                return environment.enabled
    raise Permanent(
        Cause.missing,
        f"Unleash has no {_where(step)}: {step.feature} is in the project {feature.project}, in the environments "
        f"{', '.join(one.name for one in feature.environments) or '(none)'}; correct the step",
    )


def _may(me: _Me, permission: str, step: FlagOff) -> bool:
    """Whether `permission` is held for the step's project and environment, by Unleash's own rule."""
    return any(
        held.permission in {permission, "ADMIN"}
        and held.project in {None, "", "*", step.project}
        and held.environment in {None, "", "*", step.environment}
        for held in me.permissions
    )
