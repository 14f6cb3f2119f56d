"""A connection → the same with limits: a request must be complete in time and of bounded size, an answer must be taken.

When there are too many, the connection that was idle longest is closed, and none whose request is being answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEADERS_WITHIN = 10.0
BODY_WITHIN = 10.0
TAKEN_WITHIN = 30.0
MOST_HEADERS = 64 * 1024
MOST_WAITING = 16
MOST_CONNECTIONS = 500
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class ConnectionLimits(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a limit from a request's first byte to its headers' end, and one for its body.

    A request that comes whole, as almost all do, needs no timer: one is set only for what is still to come.
    """

    _within: float | None = HEADERS_WITHIN
    _limit: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _heard_at = 0.0
    _head = 0  # bytes that came while headers had not ended
    _in_head = True
    _given_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection was opened; a request must follow."""
        super().connection_made(transport)
        self._heard_at = time.monotonic()
        if len(self.connections) > MOST_CONNECTIONS:
            _make_room(self, (one for one in self.connections if isinstance(one, ConnectionLimits)))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """More of a request, or all of it."""
        if self._given_up:
            return
        self._heard_at = time.monotonic()
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._head > MOST_HEADERS:
            self._give_up(TOO_LARGE)
        self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._expect(HEADERS_WITHIN)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are complete."""
        self._expect(BODY_WITHIN)
        if self._head > MOST_HEADERS and self._headers() > MOST_HEADERS:
            self._give_up(TOO_LARGE)
        elif len(self.pipeline) >= MOST_WAITING:
            self._give_up(b"")
        self._head, self._in_head = 0, False
        if not self._given_up:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if not self._given_up:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Its body is, too."""
        self._expect(None)
        self._in_head = True
        if not self._given_up:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._expect(None)
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer takes no more for now; if that lasts, the connection is ended."""
        super().pause_writing()
        self._untaken = self.loop.call_later(TAKEN_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer takes more."""
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    @property
    def quiet_since(self) -> float | None:
        """Since when it is idle; None while a request of it is being answered, or when it is closing anyway."""
        cycle: RequestResponseCycle | None = self.cycle
        answering = cycle is not None and not cycle.response_complete
        return None if answering or self.transport.is_closing() else self._heard_at

    def leave(self) -> None:
        """Close it to make room for others."""
        self._given_up = True
        self.transport.abort()

    def _headers(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _give_up(self, answer: bytes) -> None:
        self._given_up = True
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()

    def _expect(self, within: float | None) -> None:
        """The next part must arrive within these seconds; None: no limit."""
        self._within = within
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _wait(self) -> None:
        if self._within is not None and self._limit is None and not self.transport.is_closing():
            self._limit = self.loop.call_later(self._within, self.transport.close)


def _make_room(newest: ConnectionLimits, connections: Iterable[ConnectionLimits]) -> None:
    """Close the connection that has been idle longest; if all are being answered, the newest."""
    quiet = [
        (since, one) for one in connections if one is not newest and (since := one.quiet_since) is not None
    ]
    longest = min(quiet, key=lambda pair: pair[0], default=(0.0, newest))[1]
    longest.leave()
