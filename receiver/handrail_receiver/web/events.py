"""What happens → server-sent events, for every page that is open.

The format is three lines of text, so no library is used: docs/decisions/hand-written-or-a-library.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handrail_receiver.access.tokens import Caller
from handrail_receiver.model import Decision, Run

MOST_LISTENERS = 100
MOST_UNREAD = 100
COMMENT_EVERY = 15.0
"""Seconds without an event after which a comment is sent: proxies end connections on which nothing comes."""


class Events:
    """Sends each event to all listeners. One that reads too slowly misses events; nobody waits for it."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()
        self._closed = False

    def decision(self, decision: Decision) -> None:
        """A decision was made."""
        self._send(
            "decision",
            rollout=decision.rollout,
            verdict=decision.verdict,
            reason=decision.reason,
            text=decision.text,
        )

    def ended(self, run: Run) -> None:
        """A run ended."""
        self._send("outcome", rollout=run.rollout, action=run.action, outcome=run.state, text=run.text)

    def close(self) -> None:
        """End all streams: the receiver is about to end, and would wait for them."""
        self._closed = True
        self._put("")

    async def stream(self, _request: Request, _caller: Caller) -> Response:
        """GET /events"""
        if len(self._listeners) >= MOST_LISTENERS:
            return Response("too many listeners already; try again later", 503)
        return StreamingResponse(
            self._events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def _send(self, event: str, **data: str) -> None:
        self._put(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def _put(self, text: str) -> None:
        for queue in self._listeners:
            if not queue.full():
                queue.put_nowait(text)

    async def _events(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_UNREAD)
        self._listeners.add(queue)
        try:
            yield ": listening\n\n"
            while not self._closed:
                try:
                    yield await asyncio.wait_for(queue.get(), COMMENT_EVERY)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._listeners.discard(queue)
