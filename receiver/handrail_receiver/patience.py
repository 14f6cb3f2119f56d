"""A connection → the same, closed when a request's headers or its body do not end in time."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN = 10.0
BODY_WITHIN = 10.0


class Patience(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a limit from a request's first byte to its headers' end, and one for its body.

    A request that comes whole, as almost all do, needs no timer: one is set only for what is still to come.
    """

    _within: float | None = HEADERS_WITHIN
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected, and shall say something."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """More of a request, or all of it."""
        super().data_received(data)
        self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._expect(HEADERS_WITHIN)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are complete."""
        self._expect(BODY_WITHIN)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Its body is, too."""
        self._expect(None)
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._expect(None)
        super().connection_lost(exc)

    def _expect(self, within: float | None) -> None:
        """What comes next has this long, in seconds; None: nothing has to come."""
        self._within = within
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _wait(self) -> None:
        if self._within is not None and self._limit is None and not self.transport.is_closing():
            self._limit = self.loop.call_later(self._within, self.transport.close)
