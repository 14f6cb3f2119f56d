"""Authorization header + needed role → the caller, or the refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.tokens import Caller, Role

Endpoint = Callable[[Request], Awaitable[Response]]
Guarded = Callable[[Request, Caller], Awaitable[Response]]
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="handrail", Basic realm="handrail: the token is the password"'}


class Knows(Protocol):
    """Somebody who knows the callers."""

    def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this header."""


def only(role: Role, tokens: Knows, endpoint: Guarded) -> Endpoint:
    """An endpoint that only callers with `role` reach."""

    async def guarded(request: Request) -> Response:
        caller = tokens.caller(request.headers.get("authorization"))
        if caller is None:
            return error(401, "no valid token; send `Authorization: Bearer TOKEN`", CHALLENGE)
        if role not in caller.may:
            return error(403, f"this token may not do that; use one with the role {role}")
        return await endpoint(request, caller)

    return guarded


def error(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal, in words."""
    return JSONResponse({"error": text}, status, headers)
