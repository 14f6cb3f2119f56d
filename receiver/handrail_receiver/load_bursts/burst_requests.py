"""A declared load burst → its requests, sent: so many by so many users, to one address, for a bounded time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.contract import BurstFacts

from handrail_receiver.errors import TargetError
from handrail_receiver.evidence.burst import Ended, SentRequest
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Clock
from handrail_receiver.tasks import end, together

LONGEST_WORD = 60


@dataclass
class Sending:
    """One burst. What was sent is in `sent`, also when it is cancelled; redirects are answers like others."""

    outside: Outside
    clock: Clock
    burst: BurstFacts
    sent: list[SentRequest] = field(default_factory=list)

    async def run(self, stopped: Callable[[], Awaitable[str]]) -> tuple[Ended, str]:
        """Send them all; how it ended, and why it did not go on. `stopped` returns once it must not, with the reason."""
        tokens = self._tokens()
        users = asyncio.ensure_future(
            together(self._user(user, tokens) for user in range(1, self.burst.users + 1))
        )
        watch = asyncio.ensure_future(stopped())
        either: set[asyncio.Future[Any]] = {users, watch}
        try:
            done, _ = await asyncio.wait(
                either, timeout=self.burst.within, return_when=asyncio.FIRST_COMPLETED
            )
            if users in done:
                users.result()
                return "done", ""
            if watch in done:
                return "stopped", watch.result()
            return "out-of-time", f"it may last for {self.burst.within:g} s"
        finally:
            await end(either)

    def _tokens(self) -> list[str]:
        """One for each user, in turn; none where none are declared. Raises Permanent when the secret is not there."""
        return self.outside.secrets.value(self.burst.tokens).split() if self.burst.tokens else []

    async def _user(self, user: int, tokens: list[str]) -> None:
        """All requests of one user, one after another."""
        for number in range(user, self.burst.requests + 1, self.burst.users):
            if number > user:
                await asyncio.sleep(self.burst.pause)
            await self._request(user, number, tokens[(user - 1) % len(tokens)] if tokens else "")

    async def _request(self, user: int, number: int, token: str) -> None:
        at, ticks = self.clock.now(), asyncio.get_running_loop().time
        begun, status, error = ticks(), None, ""
        bodies = self.burst.bodies
        body = filled(bodies[(number - 1) % len(bodies)], user, number) if bodies else None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"content-type": "application/json"} if body is not None else {}
        try:
            answer = await self.outside.answered(
                self.burst.url.split("/")[2],
                self.burst.method,
                self.burst.url,
                timeout=self.burst.timeout,
                headers=headers,
                content=None if body is None else json.dumps(body).encode(),
            )
            status = answer.status
        except TargetError as problem:
            error = problem.cause.value[:LONGEST_WORD]
        self.sent.append(SentRequest(user, number, at, ticks() - begun, status, error))


def filled(value: Any, user: int, request: int) -> Any:
    """A body with `${user}` and `${request}` replaced by their numbers, wherever they are in a text."""
    if isinstance(value, str):
        return value.replace("${user}", str(user)).replace("${request}", str(request))
    if isinstance(value, Mapping):
        return {key: filled(one, user, request) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, user, request) for one in value]
    return value
