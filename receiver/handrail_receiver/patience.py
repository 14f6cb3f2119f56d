"""A connection → the same, closed when its request's headers do not end in time."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN = 10.0


class Patience(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a time limit from the first byte of a request to the end of its headers."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected, and shall say something."""
        super().connection_made(transport)
        self._start()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._start()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are complete; its body has a limit of its own."""
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._stop()
        self._limit = self.loop.call_later(HEADERS_WITHIN, self.transport.close)

    def _stop(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
