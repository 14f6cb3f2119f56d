"""LaunchDarklyOff → a flag switched off in one environment, by LaunchDarkly's REST API (semantic patch).

A service token whose role has `updateOn` on this flag is enough; where the environment requires approvals,
`bypassRequiredApproval` as well. No call says whether a token has that, so the declaration has to.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from handrail.contract import LaunchDarklyOff

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Answer, AnswerBody, Outside
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.rehearsal import rehearsed

SEMANTIC_PATCH = "application/json; domain-model=launchdarkly.semanticpatch"


class LaunchDarkly:
    """LaunchDarkly, where turning off a flag that is off changes nothing."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: LaunchDarklyOff) -> Rehearsal:
        """Check that no approval stands in the way, and let LaunchDarkly try the very patch without keeping it."""
        return await rehearsed(
            step, self._checks, lambda pinned: f"PATCH {_off(pinned)} {json.dumps(_patch(pinned))}"
        )

    async def read(self, step: LaunchDarklyOff) -> Reading:
        """Read `on` of the flag in the environment."""
        return _reading(step, await self._found(step))

    async def act(self, step: LaunchDarklyOff) -> None:
        """Turn the flag off."""
        await self._ask(step, "PATCH", _off(step), _patch(step))

    async def _found(self, step: LaunchDarklyOff) -> _Flag:
        url = f"{_flag(step)}?env={quote(step.environment, safe='')}"
        return (await self._ask(step, "GET", url)).into(_Flag)

    async def _ask(self, step: LaunchDarklyOff, method: str, url: str, body: object = None) -> Answer:
        headers = self._outside.bearer(step.token, scheme="") | {"content-type": SEMANTIC_PATCH}
        return await self._outside.ask(
            "LaunchDarkly", method, url, timeout=step.timeout, headers=headers, body=body
        )

    async def _checks(self, step: LaunchDarklyOff) -> tuple[LaunchDarklyOff, str]:
        flag = await self._found(step)
        state = _reading(step, flag).found
        if flag.archived:
            raise Permanent(Cause.conflict, f"{_where(step)} is archived; restore it or correct the step")
        approvals = (await self._ask(step, "GET", _environment(step))).into(_Environment).approval_settings
        approval_needed = approvals is not None and approvals.asks_about(flag)
        if approval_needed and not step.bypasses_approval:
            raise Permanent(
                Cause.refused,
                f"{step.environment} requires approvals, which wait for people; give the token's role "
                f"bypassRequiredApproval and state bypasses_approval=True, exempt this flag (requiredApprovalTags), "
                f"or roll back by another step",
            )
        await self._ask(step, "PATCH", f"{_off(step)}&dryRun=true", _patch(step))
        stated = (
            f"{step.environment} requires approvals, which the token bypasses, as is declared; "
            if approval_needed
            else ""
        )
        return step, f"{state}; {stated}LaunchDarkly accepted the change as a dry run"


class _FlagEnvironment(AnswerBody):
    on: bool


class _Flag(AnswerBody):
    environments: dict[str, _FlagEnvironment]
    tags: frozenset[str] = frozenset()
    archived: bool = False


class _Approvals(AnswerBody):
    required: bool
    required_approval_tags: frozenset[str] | None = None

    def asks_about(self, flag: _Flag) -> bool:
        """Whether a change of `flag` waits for approval: with tags given, only flags that carry one do."""
        return self.required and (
            not self.required_approval_tags or bool(self.required_approval_tags & flag.tags)
        )


class _Environment(AnswerBody):
    approval_settings: _Approvals | None = None


def _where(step: LaunchDarklyOff) -> str:
    return f"{step.project}/{step.flag} in {step.environment}"


def _api(step: LaunchDarklyOff) -> str:
    return f"{step.url}/api/v2"


def _flag(step: LaunchDarklyOff) -> str:
    return f"{_api(step)}/flags/{quote(step.project, safe='')}/{quote(step.flag, safe='')}"


def _off(step: LaunchDarklyOff) -> str:
    """Where the patch goes: a pending scheduled change, or request for approval, that it spoils must not keep it out."""
    return f"{_flag(step)}?ignoreConflicts=true"


def _patch(step: LaunchDarklyOff) -> dict[str, object]:
    return {
        "environmentKey": step.environment,
        "instructions": [{"kind": "turnFlagOff"}],
        "comment": "Rolled back by Handrail",  # some environments refuse a change without one
    }


def _environment(step: LaunchDarklyOff) -> str:
    project, environment = quote(step.project, safe=""), quote(step.environment, safe="")
    return f"{_api(step)}/projects/{project}/environments/{environment}"


def _reading(step: LaunchDarklyOff, flag: _Flag) -> Reading:
    environment = flag.environments.get(step.environment)
    if environment is None:
        raise Permanent(Cause.missing, f"LaunchDarkly shows no {_where(step)}; correct the environment's key")
    return Reading(
        done=not environment.on, found=f"LaunchDarkly {_where(step)} is {'on' if environment.on else 'off'}"
    )
