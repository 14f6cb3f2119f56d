"""A person's call + the newest playbook + the attempt → the playbook with the versions of its arms, or why not. Pure."""

from __future__ import annotations

from handrail.contract import GivenArms, OpenArms, Playbook

from handrail_receiver.model import Attempt, given_arms, with_versions_of
from handrail_receiver.operations.call import Call

GIVING = ("start", "approve")
"""Calls that come before an attempt and say which versions it will be about."""


def with_versions(call: Call, newest: Playbook, attempt: Attempt | None) -> Playbook:
    """The newest playbook for this call: the versions are those of the attempt, or those that the call gives.

    An attempt that is over says nothing of the next one's; a rollback is about the last one's all the same.
    """
    if call.verb == "rollback" or (attempt is not None and attempt.live):
        return with_versions_of(attempt, newest)
    if call.verb in GIVING and call.canary and call.stable and call.canary != call.stable:
        return newest.with_versions(call.canary, call.stable)
    return newest


def not_given(call: Call, playbook: Playbook, attempt: Attempt | None) -> str:
    """Why the versions that a call gives, or does not give, cannot be; empty when they can. `playbook` is in force."""
    arms, live = playbook.arms, attempt is not None and attempt.live
    said = bool(call.canary or call.stable)
    if isinstance(arms, OpenArms) and not live:
        command = f"`handrail rollout {call.verb} {playbook.rollout} --canary … --stable …`"
        if call.canary and call.canary == call.stable:
            return f"canary and stable are both {call.canary}; give the two values that the label {arms.label} has: {command}"
        return f"the versions are not known; give the values that the label {arms.label} has: {command}"
    if not said:
        return ""
    if not isinstance(arms, GivenArms):
        return "the declaration says which versions its arms are; leave --canary and --stable out"
    given = given_arms(attempt) if live else arms
    if given is not None and (call.canary, call.stable) != (given.canary, given.stable):
        return f"this attempt's canary is {given.canary} and its stable version {given.stable}; other versions need a new attempt"
    return ""
