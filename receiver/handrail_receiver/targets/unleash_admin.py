"""Unleash's admin API → what a feature is in one environment, and what a token may do there.

Checked against Unleash 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from handrail.contract import FlagOff, FlagShare
from pydantic import Field

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Answer, AnswerBody, Outside, RefusedByService

Step = FlagOff | FlagShare
SKIP = "SKIP_CHANGE_REQUEST"


class Strategy(AnswerBody):
    """A strategy of a feature: to whom it is on; any of them is enough."""

    id: str
    name: str
    parameters: dict[str, str] = Field(default_factory=dict)
    constraints: list[object] = Field(default_factory=list)
    segments: list[object] = Field(default_factory=list)
    disabled: bool | None = None


class FeatureEnvironment(AnswerBody):
    """A feature in one environment."""

    name: str
    enabled: bool
    strategies: list[Strategy] = Field(default_factory=list)


class _Feature(AnswerBody):
    project: str
    environments: list[FeatureEnvironment]


class _Held(AnswerBody):
    permission: str
    project: str | None = None
    environment: str | None = None


class _Me(AnswerBody):
    permissions: list[_Held]


class _ChangeRequests(AnswerBody):
    environment: str
    change_request_enabled: bool


class UnleashAdmin:
    """The calls that steps share."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def ask(self, step: Step, method: str, url: str, body: object = None) -> Answer:
        """One call with the step's token."""
        headers = self._outside.bearer(step.token, scheme="")
        return await self._outside.ask(
            "Unleash", method, url, timeout=step.timeout, headers=headers, body=body
        )

    async def found(self, step: Step) -> FeatureEnvironment:
        """The feature in the step's environment.

        The answer's project is compared, because Unleash may ignore the project in the address when it reads.
        """
        feature = (await self.ask(step, "GET", feature_url(step))).into(_Feature)
        if feature.project == step.project:
            for environment in feature.environments:
                if environment.name == step.environment:
                    return environment
        raise Permanent(
            Cause.missing,
            f"Unleash has no {where(step)}: {step.feature} is in the project {feature.project}, in the environments "
            f"{', '.join(one.name for one in feature.environments) or '(none)'}; correct the step",
        )

    async def may(self, step: Step, *permissions: str) -> None:
        """Raise where the token may not do this by itself: a permission is missing, or a change request is asked for."""
        me = (await self.ask(step, "GET", f"{_admin(step)}/user")).into(_Me)
        missing = [one for one in permissions if not _holds(me.permissions, one, step)]
        if missing:
            raise Permanent(
                Cause.refused,
                f"the token may not switch {where(step)}; give it {' and '.join(missing)} for this project and environment",
            )
        if not _holds(me.permissions, SKIP, step) and await self._asks_for_change_requests(step):
            raise Permanent(
                Cause.refused,
                f"{step.environment} asks for change requests, which wait for people; give the token {SKIP}",
            )

    async def _asks_for_change_requests(self, step: Step) -> bool:
        url = f"{_project(step)}/change-requests/config"
        try:
            environments = (await self.ask(step, "GET", url)).into(list[_ChangeRequests])
        except RefusedByService as answer:
            if answer.status == 404:  # the open source edition has no change requests
                return False
            raise
        return any(one.environment == step.environment and one.change_request_enabled for one in environments)


def where(step: Step) -> str:
    """The feature in words."""
    return f"{step.project}/{step.feature} in {step.environment}"


def feature_url(step: Step) -> str:
    """Where the feature is asked for."""
    return f"{_project(step)}/features/{quote(step.feature, safe='')}"


def environment_url(step: Step) -> str:
    """Where the feature is changed in the step's environment."""
    return f"{feature_url(step)}/environments/{quote(step.environment, safe='')}"


def _admin(step: Step) -> str:
    return f"{step.url}/api/admin"


def _project(step: Step) -> str:
    return f"{_admin(step)}/projects/{quote(step.project, safe='')}"


def _holds(held: Iterable[_Held], permission: str, step: Step) -> bool:
    """Whether `permission` is held for the step's project and environment, by Unleash's own rule."""
    return any(
        one.permission in {permission, "ADMIN"}
        and one.project in {None, "", "*", step.project}
        and one.environment in {None, "", "*", step.environment}
        for one in held
    )
