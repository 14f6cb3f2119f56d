"""What ruleiq's guardrails and dashboards read, in prometheus-client: copy this file into your application.

    metrics = Metrics({"bulk-import": lambda: flags.is_enabled("bulk-import")}, reasons=["bad-password"])
    app = Starlette(routes=routes, middleware=[Middleware(Measured, metrics=metrics, paths=paths_of(routes))])

`Measured` stands first among the middlewares, so that it also counts what the others refuse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10)
"""Those of the declaration: every limit is one of them, and one lies above the highest limit."""
ACTIVE_FOR = 300.0
"""For how many seconds after a request somebody counts as active."""
EXEMPT = frozenset({"/metrics", "/healthz"})
"""What machines ask: no user waits for it."""


class Metrics:
    """All of them, each with the labels it may have set to 0 at the start: a counter that begins at 1 hides one event.

    `flags` are the names of flags, and how each is asked whether it is enabled at all.
    """

    def __init__(
        self,
        flags: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
        reasons: Iterable[str] = (),
        events: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = r = CollectorRegistry()
        ProcessCollector(registry=r)
        PlatformCollector(registry=r)
        self.requests = Counter(
            "ruleiq_requests", "Requests answered.", ["method", "endpoint", "status"], registry=r
        )
        self.seconds = Histogram(
            "ruleiq_request_duration_seconds",
            "From the request to the end of its answer.",
            ["method", "endpoint"],
            buckets=BUCKETS,
            registry=r,
        )
        self.in_flight = Gauge("ruleiq_requests_in_flight", "Requests that wait for an answer.", registry=r)
        self.pool = Gauge("ruleiq_db_pool_size", "Database connections in use.", ["pool"], registry=r)
        self.reports = Counter("ruleiq_reports", "Reports that customers made.", ["plan"], registry=r)
        # prometheus-client appends _total to the name of a Counter: the rules read these by both names.
        self._auth_failures = Counter("ruleiq_auth_failures", "Sign-ins refused.", ["reason"], registry=r)
        self._flags = Counter("ruleiq_ff_evaluations", "Flags asked.", ["flag_name", "result"], registry=r)
        self._security = Counter("ruleiq_security_events", "Events for security.", ["type"], registry=r)
        enabled = Gauge("ruleiq_ff_enabled", "Whether a flag is enabled.", ["flag_name"], registry=r)
        users = Gauge("ruleiq_active_users", "People seen within five minutes.", registry=r)
        users.set_function(self._active)
        self._seen: dict[str, float] = {}
        self._clock = clock
        for reason in reasons:
            self._auth_failures.labels(reason)
        for flag, is_enabled in flags.items():
            enabled.labels(flag).set_function(is_enabled)
            for result in ("true", "false"):
                self._flags.labels(flag, result)
        for event in events:
            self._security.labels(event)

    def sign_in_refused(self, reason: str) -> None:
        """Somebody could not sign in."""
        self._auth_failures.labels(reason).inc()

    def flag(self, name: str, on: bool) -> bool:
        """A flag was asked for somebody: `if metrics.flag("bulk-import", flags.is_enabled("bulk-import")):`."""
        self._flags.labels(name, "true" if on else "false").inc()
        return on

    def security(self, event: str) -> None:
        """Something that security should know."""
        self._security.labels(event).inc()

    def seen(self, user: str) -> None:
        """A request of somebody who is signed in."""
        self._seen[user] = self._clock()

    def page(self) -> bytes:
        """What Prometheus scrapes."""
        return generate_latest(self.registry)

    def _active(self) -> float:
        since = self._clock() - ACTIVE_FOR
        self._seen = {user: at for user, at in self._seen.items() if at > since}
        return len(self._seen)


def paths_of(routes: Iterable[Route]) -> dict[object, str]:
    """Each endpoint's path as it is declared: `/users/{id}` is one label, and not one for each user."""
    return {route.endpoint: route.path for route in routes if route.path not in EXEMPT}


class Measured:
    """Counts and times each request, whatever becomes of it; what no route takes is the endpoint `other`."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Mapping[object, str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, noting)
        finally:
            self.metrics.in_flight.dec()
            endpoint = self.paths.get(scope.get("endpoint"), "other")
            self.metrics.requests.labels(scope["method"], endpoint, str(status)).inc()
            self.metrics.seconds.labels(scope["method"], endpoint).observe(time.perf_counter() - began)
