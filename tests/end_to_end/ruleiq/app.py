"""HTTP requests → reports and sign-ins, measured: the example application. `ADDRESS` is where it listens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .metrics import Measured, Metrics, paths_of

FLAGS = {"recommendations-v2": True, "bulk-import": False}
REASONS = ("bad-password", "locked", "expired")
EVENTS = ("token-reuse", "rate-limited")


@contextmanager
def connection(metrics: Metrics, pool: str = "main") -> Iterator[None]:
    """A connection of the pool, taken and given back; a real pool says both itself (SQLAlchemy: `checkout`, `checkin`)."""
    metrics.pool.labels(pool).inc()
    try:
        yield
    finally:
        metrics.pool.labels(pool).dec()


async def report(request: Request) -> Response:
    """Make a report for who is signed in, the new way where the flag is on."""
    metrics: Metrics = request.app.state.metrics
    metrics.seen(request.headers.get("x-user", "nobody"))
    with connection(metrics):
        await asyncio.sleep(0)  # the database
    new = metrics.flag("recommendations-v2", FLAGS["recommendations-v2"])
    metrics.flag("bulk-import", FLAGS["bulk-import"])
    metrics.reports.labels(request.query_params.get("plan", "free")).inc()
    return JSONResponse({"report": "ready", "recommendations": new})


async def login(request: Request) -> Response:
    """Sign in with the password `correct`."""
    metrics: Metrics = request.app.state.metrics
    if request.headers.get("x-password") != "correct":
        metrics.sign_in_refused("bad-password")
        return JSONResponse({"error": "wrong password"}, status_code=401)
    metrics.seen(request.headers.get("x-user", "nobody"))
    return JSONResponse({"signed": "in"})


async def reused(request: Request) -> Response:
    """A token came a second time: security should know."""
    request.app.state.metrics.security("token-reuse")
    return JSONResponse({"error": "this token was used"}, status_code=403)


async def broken(_request: Request) -> Response:
    """What fails for everybody."""
    raise RuntimeError("the database is gone")


async def page(request: Request) -> Response:
    """What Prometheus scrapes."""
    return Response(request.app.state.metrics.page(), media_type=CONTENT_TYPE_LATEST)


async def healthz(_request: Request) -> Response:
    """The process is up."""
    return Response("ok\n")


ROUTES = [
    Route("/reports/{id}", report, methods=["POST"]),
    Route("/login", login, methods=["POST"]),
    Route("/tokens", reused, methods=["POST"]),
    Route("/broken", broken),
    Route("/metrics", page),
    Route("/healthz", healthz),
]


def application(*, measured: bool = True) -> Starlette:
    """The application; without the middleware where its cost is measured."""
    metrics = Metrics({name: partial(FLAGS.__getitem__, name) for name in FLAGS}, REASONS, EVENTS)
    metrics.pool.labels("main")
    around = [Middleware(Measured, metrics=metrics, paths=paths_of(ROUTES))] if measured else []
    app = Starlette(routes=ROUTES, middleware=around)
    app.state.metrics = metrics
    return app


def main() -> None:
    """Serve until told to end."""
    host, _, port = os.environ["ADDRESS"].rpartition(":")
    uvicorn.run(application(), host=host, port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
