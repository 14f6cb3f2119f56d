"""Authorization header + needed role → the caller, or the refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access.tokens import Caller, Role

Endpoint = Callable[[Request], Awaitable[Response]]
Guarded = Callable[[Request, Caller], Awaitable[Response]]
# Two lines, not one with a comma: Chromium sees only the first scheme of a line and would never ask for a password.
CHALLENGES = ('Bearer realm="handrail"', 'Basic realm="handrail: the token is the password", charset="UTF-8"')


class Authenticator(Protocol):
    """Somebody who knows the callers. `problems` is what is wrong with how they are known, a line each."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now."""

    def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this header."""


def only(role: Role, tokens: Authenticator, endpoint: Guarded) -> Endpoint:
    """An endpoint that only callers with `role` reach."""

    async def guarded(request: Request) -> Response:
        caller = tokens.caller(request.headers.get("authorization"))
        if caller is None:
            return error(401, "no valid token; send `Authorization: Bearer TOKEN`")
        if role not in caller.may:
            return error(403, f"this token may not do that; use one with the role {role}")
        return await endpoint(request, caller)

    return guarded


def error(status: int, text: str) -> JSONResponse:
    """A refusal, in words; one of an unknown caller says how to make oneself known."""
    answer = JSONResponse({"error": text}, status)
    for challenge in CHALLENGES if status == 401 else ():
        answer.headers.append("WWW-Authenticate", challenge)
    return answer
