"""HTTP requests → orders, counted and timed as Prometheus wants it: the application the demo rolls out.

One process is one arm: `TRACK` (canary or stable) is a label on all it measures, `ADDRESS` is where it listens.
`PUT /fault {"errors": 0.4, "delay": 0.2}` makes it go bad: that share of orders fails, each takes longer.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import MutableMapping
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1, 2.5, 5)


class Fault(BaseModel):
    """How bad the application is: the share of orders that fail, and the seconds each takes on top."""

    errors: float = Field(default=0, ge=0, le=1)
    delay: float = Field(default=0, ge=0, le=10)


class Metrics:
    """What the application says about itself: requests by outcome, and how long they took."""

    def __init__(self, track: str) -> None:
        self.registry = CollectorRegistry()
        self.track = track
        self.requests = Counter(
            "http_requests",
            "Requests answered.",
            ["track", "method", "path", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the request to the end of its answer.",
            ["track", "path"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request answered with `status` after `seconds`."""
        self.requests.labels(self.track, method, path, str(status)).inc()
        self.seconds.labels(self.track, path).observe(seconds)


class Measured:
    """Counts and times each request for a route in `paths`, whatever becomes of it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self.paths:
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.metrics.count(scope["method"], scope["path"], status, time.perf_counter() - began)


async def order(request: Request) -> Response:
    """Take one order, as well as the fault lets us."""
    fault: Fault = request.app.state.fault
    await asyncio.sleep(random.uniform(0.002, 0.008) + fault.delay)
    if random.random() < fault.errors:
        return JSONResponse({"error": "the payment service does not answer"}, status_code=500)
    return JSONResponse({"order": random.randrange(10**9), "track": request.app.state.metrics.track})


async def set_fault(request: Request) -> Response:
    """Go bad, or go well again: what the body does not say is zero."""
    request.app.state.fault = fault = Fault.model_validate_json(await request.body())
    return JSONResponse(fault.model_dump())


async def metrics(request: Request) -> Response:
    """What Prometheus scrapes."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def healthz(_: Request) -> Response:
    """The process is up. HAProxy asks this; a canary that fails orders is still up."""
    return Response("ok\n")


ROUTES = [
    Route("/orders", order, methods=["POST"]),
    Route("/fault", set_fault, methods=["PUT"]),
    Route("/metrics", metrics),
    Route("/healthz", healthz),
]


def application(track: str) -> Starlette:
    """The application of one arm."""
    measured = Metrics(track)
    app = Starlette(
        routes=ROUTES, middleware=[Middleware(Measured, metrics=measured, paths=frozenset({"/orders"}))]
    )
    app.state.metrics, app.state.fault = measured, Fault()
    return app


def main() -> None:
    """Serve one arm until told to end."""
    host, _, port = os.environ["ADDRESS"].rpartition(":")
    uvicorn.run(application(os.environ["TRACK"]), host=host, port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
