"""Streams of events: they end with the receiver, and a reader that takes nothing is not waited for."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from guarded import TOKENS, guarded, playbook
from handrail_receiver.web import connections
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


def test_a_stream_is_ended_and_not_cut_off_when_the_receiver_is_told_to_end(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(steps=[], stages=()), proxy=False) as shop:
        headers = {"Authorization": f"Bearer {TOKENS['viewer']}"}
        with httpx.stream("GET", f"{shop.server.url}/events", headers=headers, timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            os.kill(shop.server.process.pid, signal.SIGTERM)
            *_, last = lines  # a stream that is cut off raises
            assert last == ""


def test_a_connection_on_which_nothing_is_taken_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 0.2)
    assert asyncio.run(_ended_within(30))


async def _ended_within(seconds: float) -> bool:
    """Whether an answer without end is ended when its reader takes nothing. It gives way, as all that is sent does."""
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            ended.set()

    async def answer(_: Request) -> StreamingResponse:
        return StreamingResponse(endless())

    app = Starlette(routes=[Route("/", answer)])
    server = uvicorn.Server(
        uvicorn.Config(app, http=connections.ConnectionLimits, log_config=None, timeout_graceful_shutdown=1)
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        with socket.create_connection(listening.getsockname()) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(seconds):
                await ended.wait()
        server.should_exit = True
        await serving
    return ended.is_set()
