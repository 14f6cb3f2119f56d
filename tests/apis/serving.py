"""A handler → an HTTP server in a thread, on a free port of loopback, that remembers every request."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import starlette.requests
import uvicorn
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send


class Trouble(StrEnum):
    """What may be wrong with a server; `refused` and `down` repeat the token, as careless servers do."""

    none = "none"
    refused = "refused"
    down = "down"
    silent = "silent"
    babbling = "babbling"
    moved = "moved"


@dataclass(frozen=True)
class Request:
    """What was asked: method, path as it was sent with its query, header names in lower case, and the body if it was JSON."""

    method: str
    path: str
    headers: dict[str, str]
    json: Any
    content: bytes


class Api:
    """A server for as long as the `with` block lasts. Its `token` is what it takes; subclasses write `answer`."""

    token = "planted-secret-token"

    def __init__(self, *, certificate: Path | None = None, key: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.trouble = Trouble.none
        self.queue: list[Response] = []  # answers given instead of the real ones, first one first
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self._serve,
            log_level="critical",
            lifespan="off",
            ws="none",
            interface="asgi3",
            date_header=False,  # a test gives one where it counts
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def changes(self) -> list[Request]:
        """The requests that were not just reads."""
        return [request for request in self.requests if request.method != "GET"]

    def authorized(self, request: Request) -> bool:
        """Whether the request carries the token, as a bearer token or bare."""
        return request.headers.get("authorization") in {self.token, f"Bearer {self.token}"}

    def answer(self, request: Request) -> Response:
        """What this API answers."""
        raise NotImplementedError

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(starlette.requests.Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, received: starlette.requests.Request) -> Response:
        content = await received.body()
        query = received.scope["query_string"].decode()
        headers = dict(received.headers)
        path = received.scope["raw_path"].decode() + (f"?{query}" if query else "")
        request = Request(received.method, path, headers, _json(content), content)
        self.requests.append(request)
        echo = f"your {headers.get('authorization')} asked for {request.path}"
        match self.trouble:
            case Trouble.refused:
                return JSONResponse({"message": f"no: {echo}"}, 403)
            case Trouble.down:
                return PlainTextResponse(f"sorry, {echo}", 500)
            case Trouble.babbling:
                return PlainTextResponse("<html>Welcome to the login page</html>")
            case Trouble.moved:
                return RedirectResponse("http://127.0.0.1:1/elsewhere", 302)
            case Trouble.silent:
                await received.receive()  # after the body, only the end of the connection comes
                return Response(status_code=499)
            case Trouble.none:
                return self.queue.pop(0) if self.queue else self.answer(request)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
