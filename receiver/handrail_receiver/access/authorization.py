"""Authorization header + needed role → the caller, or the refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access.proxies import Proxies
from handrail_receiver.access.tokens import Caller, Role

Endpoint = Callable[[Request], Awaitable[Response]]
Guarded = Callable[[Request, Caller], Awaitable[Response]]
Refused = Callable[[Caller, str], Awaitable[Response]]
"""What a known caller gets who may not, with the reason."""
OnRefused = Callable[[Request, Caller, str], Awaitable[None]]
"""Hears of a known caller who may not do it, and of the reason."""
# Two lines, not one with a comma: Chromium sees only the first scheme of a line and would never ask for a password.
CHALLENGES = ('Bearer realm="handrail"', 'Basic realm="handrail: the token is the password", charset="UTF-8"')


class Authenticator(Protocol):
    """Somebody who knows the callers. `problems` is what is wrong with how they are known, a line each."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now."""

    def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this header."""


@dataclass(frozen=True)
class People:
    """Who calls: somebody for whom a proxy of ours speaks, else whoever has a token."""

    tokens: Authenticator
    proxies: Proxies

    def caller(self, request: Request) -> Caller | None:
        """Who sent a request; None: nobody knows."""
        peer = request.client.host if request.client else ""
        by_proxy = self.proxies.caller(peer, request.headers)
        return by_proxy or self.tokens.caller(request.headers.get("authorization"))


async def _in_words(_caller: Caller, why: str) -> Response:
    return error(403, why)


def only(
    role: Role,
    people: People,
    endpoint: Guarded,
    on_refused: OnRefused | None = None,
    answer: Refused = _in_words,
) -> Endpoint:
    """An endpoint that only callers with `role` reach; `on_refused` hears of the others, once we know who they are.

    They get the `answer`, in words without one.
    """

    async def guarded(request: Request) -> Response:
        caller = people.caller(request)
        if caller is None:
            return error(401, "no valid token; send `Authorization: Bearer TOKEN`")
        if not caller.may:
            return error(403, f"{caller.name} is in no group that may do anything; see HANDRAIL_PROXY_ROLES")
        if role not in caller.may:
            why = f"{caller.name} may not do that; it needs the role {role}"
            if on_refused is not None:
                await on_refused(request, caller, why)
            return await answer(caller, why)
        return await endpoint(request, caller)

    return guarded


def error(status: int, text: str) -> JSONResponse:
    """A refusal, in words; one of an unknown caller says how to make oneself known."""
    answer = JSONResponse({"error": text}, status)
    for challenge in CHALLENGES if status == 401 else ():
        answer.headers.append("WWW-Authenticate", challenge)
    return answer
