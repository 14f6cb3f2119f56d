"""The parts of a request's body → the body, never more of it in memory than is allowed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive

from handrail_receiver.errors import ReceiverError

MAX_BODY = 1024 * 1024
LONGEST_NUMBER = 20


class TooLarge(ReceiverError):
    """The body is larger than anything we take."""


class Incomplete(ReceiverError):
    """The body did not come to its end."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. Raises TooLarge before it is in memory, Incomplete when its connection ends before it does.

    `ConnectionLimits` ends the connection of a body that is late.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or len(announced) > LONGEST_NUMBER or int(announced) > MAX_BODY:
        raise TooLarge(f"more than {MAX_BODY} bytes; send less")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Incomplete("the connection ended before the body did: the caller went away or was too slow")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise TooLarge(f"more than {MAX_BODY} bytes; send less")
        if not message.get("more_body"):
            return b"".join(parts)
