"""A person's call + the newest playbook + the attempt → the playbook with the versions of its arms, or why not."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from handrail.contract import GivenArms, OpenArms, Playbook, VersionSource, names

from handrail_receiver.errors import Cause, Permanent, TargetError
from handrail_receiver.model import Attempt, given_arms, with_versions_of
from handrail_receiver.operations.call import Call

GIVING = ("start", "approve")
"""Calls that come before an attempt and say which versions it will be about."""
VERSION = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
"""What a version may look like: printable, at most 200 characters, no space around it."""

ReadVersion = Callable[[VersionSource, str], Awaitable[str]]
"""The version of an arm that a source names now; raises TargetError."""


async def reads_nothing(source: VersionSource, arm: str) -> str:
    """For a receiver without a way out."""
    raise Permanent(Cause.missing, f"this receiver cannot read {arm} from {source.kind}")


async def with_versions_read(
    call: Call, newest: Playbook, attempt: Attempt | None, read: ReadVersion
) -> Call:
    """The call with the versions that are to be read, where it gives none and a new attempt is meant."""
    arms = newest.arms
    if call.verb not in GIVING or not isinstance(arms, OpenArms) or (attempt is not None and attempt.live):
        return call
    versions = {names.CANARY: call.canary, names.STABLE: call.stable}
    for arm, source in ((names.CANARY, arms.canary), (names.STABLE, arms.stable)):
        if versions[arm] or source is None:
            continue
        try:
            versions[arm] = await read(source, arm)
        except TargetError as error:
            return replace(call, unread=f"{arm} cannot be read: {error}; fix it, or give --{arm}")
        if not VERSION.fullmatch(versions[arm]):
            said = versions[arm][:80]
            return replace(call, unread=f"{arm} was read as {said!r}, which is not a version; fix it")
    return replace(call, canary=versions[names.CANARY], stable=versions[names.STABLE])


def with_versions(call: Call, newest: Playbook, attempt: Attempt | None) -> Playbook:
    """The newest playbook for this call, with the versions of the attempt, or those that the call gives.

    An attempt that is over says nothing about the next one's versions; but a rollback is still about the last
    attempt.
    """
    if call.verb == "rollback" or (attempt is not None and attempt.live):
        return with_versions_of(attempt, newest)
    if call.verb in GIVING and call.canary and call.stable and call.canary != call.stable:
        return newest.with_versions(call.canary, call.stable)
    return newest


def not_given(call: Call, playbook: Playbook, attempt: Attempt | None) -> str:
    """Why the versions that a call gives, or does not give, cannot be; empty when they can. `playbook` is in force."""
    arms, live = playbook.arms, attempt is not None and attempt.live
    if isinstance(arms, OpenArms) and not live:
        return call.unread or _missing(call, playbook, arms)
    if not call.canary and not call.stable:
        return ""
    if not isinstance(arms, GivenArms):
        return "the declaration says which versions its arms are; leave --canary and --stable out"
    arms_in_force = given_arms(attempt) if live else arms
    if arms_in_force is None:
        return ""
    others = [
        said
        for said, known in ((call.canary, arms_in_force.canary), (call.stable, arms_in_force.stable))
        if said not in {"", known}
    ]
    if others:
        return f"this attempt's canary is {arms_in_force.canary} and its stable version {arms_in_force.stable}; other versions need a new attempt"
    return ""


def _missing(call: Call, playbook: Playbook, arms: OpenArms) -> str:
    words = "".join(f" --{arm} …" for arm in arms.to_give or (names.CANARY, names.STABLE))
    command = f"`handrail rollout {call.verb} {playbook.rollout}{words}`"
    if call.canary and call.canary == call.stable:
        return f"canary and stable are both {call.canary}; give the two values that the label {arms.label} has: {command}"
    return f"the versions are not known; give the values that the label {arms.label} has: {command}"
