"""HttpCall → an absolute value set by one request and read back by another."""

from __future__ import annotations

import json
from typing import Any

from handrail.contract import HttpCall

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import LONGEST_QUOTE, Answer, Outside
from handrail_receiver.outside.json_pointer import value_at
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.rehearsal import rehearsed
from handrail_receiver.targets.scalars import same


class HttpCalls:
    """Any service with a JSON API: every word of the requests comes from the playbook."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: HttpCall) -> Rehearsal:
        """Send the read; whether the token may also write, only the real call can tell."""
        return await rehearsed(step, self._checks, lambda pinned: self._outside.clean(_call(pinned)))

    async def read(self, step: HttpCall) -> Reading:
        """Read the value at `read_pointer`; where there is none, it is not done."""
        try:
            value = await self._found(step)
        except LookupError:
            return Reading(done=False, found=f"{step.read_url} has nothing at {step.read_pointer}")
        return Reading(done=same(value, step.read_equals), found=self._told(step, value))

    async def act(self, step: HttpCall) -> None:
        """Send the request that sets the value."""
        await self._ask(step, step.method, step.url, step.body)

    async def _ask(self, step: HttpCall, method: str, url: str, body: object = None) -> Answer:
        headers = self._outside.bearer(step.token, step.token_header, step.token_scheme)
        who = url.split("/")[2]
        return await self._outside.ask(who, method, url, timeout=step.timeout, headers=headers, body=body)

    async def _found(self, step: HttpCall) -> Any:
        return value_at((await self._ask(step, "GET", step.read_url)).into(Any), step.read_pointer)

    async def _checks(self, step: HttpCall) -> tuple[HttpCall, str]:
        try:
            return (
                step,
                f"{self._told(step, await self._found(step))}; only the real call tells whether it may write",
            )
        except LookupError:
            raise Permanent(
                Cause.missing, f"{step.read_url} has nothing at {step.read_pointer}; correct read_pointer"
            ) from None

    def _told(self, step: HttpCall, value: Any) -> str:
        place = step.read_pointer or "its root"
        return self._outside.clean(f"{step.read_url} has {json.dumps(value)[:LONGEST_QUOTE]} at {place}")


def _call(step: HttpCall) -> str:
    return f"{step.method} {step.url}" + (f" {json.dumps(step.body)}" if step.body is not None else "")
