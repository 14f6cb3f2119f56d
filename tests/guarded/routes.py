"""The receiver's own routes → addresses at a receiver that guards `shop`, so that no test forgets a page."""

from __future__ import annotations

from inspect import signature
from unittest.mock import Mock

from handrail_receiver.http_routes import routes_of

THERE = {"name": "shop", "number": "1", "kind": "daily", "id": "shop-1"}
"""A rollout, an attempt, a kind of report and an incident that there are, or may be."""
FOR_ANYBODY = ("/healthz", "/readyz")
ENDLESS = "/events"
FOR_PROGRAMS = ("/api/", "/metrics", "/openapi.json", ENDLESS, *FOR_ANYBODY)


def routed() -> set[tuple[str, str]]:
    """Every method and path."""
    routes = routes_of(*[Mock() for _ in signature(routes_of).parameters])
    return {(method, route.path) for route in routes for method in (route.methods or {"GET"}) - {"HEAD"}}


def filled(path: str) -> str:
    """An address of a path. Raises KeyError for a parameter that `THERE` has no value for."""
    return path.format_map(THERE)


def read() -> list[str]:
    """What a GET shows to those who have a token: pages, forms, JSON, metrics, the stream of events."""
    return sorted(filled(path) for method, path in routed() if method == "GET" and path not in FOR_ANYBODY)


def pages() -> list[str]:
    """What a person reads, the forms that ask whether to go on included."""
    return [path for path in read() if not path.startswith(FOR_PROGRAMS)]
