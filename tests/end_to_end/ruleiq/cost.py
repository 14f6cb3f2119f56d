"""`python -m end_to_end.ruleiq.cost` → what the middleware costs: CPU with it and without, in one run, turn by turn."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Scope

from .app import application

ALLOWED = 0.01
"""The share of one processor that may go into metrics."""
SCRAPE_EVERY = 15.0


@dataclass(frozen=True)
class Cost:
    """CPU seconds: of a request without and with the middleware, and of one scrape."""

    without: float
    measured: float
    scrape: float

    def share(self, per_second: float) -> float:
        """The share of one processor that metrics take at so many requests a second."""
        return max(0.0, self.measured - self.without) * per_second + self.scrape / SCRAPE_EVERY

    @property
    def ratio(self) -> float:
        """CPU of a request that does nothing, with the middleware over without."""
        return self.measured / self.without


async def _ask(app: ASGIApp, path: str, times: int) -> float:
    """CPU seconds of one request, asked `times` without a network."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        return None

    method = "GET" if path == "/metrics" else "POST"
    began = time.process_time()
    for _ in range(times):
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "root_path": "",
        }
        await app(scope, receive, send)
    return (time.process_time() - began) / times


def cost(requests: int, rounds: int = 5) -> Cost:
    """The least of several rounds, which take turns so that a busy machine slows both."""
    without, measured = application(measured=False), application()
    seen: list[tuple[float, float]] = []
    for _ in range(rounds):
        plain = asyncio.run(_ask(without, "/reports/1", requests))
        seen.append((plain, asyncio.run(_ask(measured, "/reports/1", requests))))
    scrape = asyncio.run(_ask(measured, "/metrics", 20))
    return Cost(min(plain for plain, _ in seen), min(more for _, more in seen), scrape)


def main() -> int:
    """Print it; 1 where it is more than allowed."""
    parser = argparse.ArgumentParser(prog="cost", description="What the middleware costs.")
    parser.add_argument("--requests", type=int, default=5000, help="in each of five rounds; default: 5000")
    parser.add_argument("--per-second", type=float, default=100, help="how many there are; default: 100")
    call = parser.parse_args()
    found = cost(call.requests)
    print(f"a request without: {found.without * 1e6:.1f} µs CPU, with: {found.measured * 1e6:.1f} µs")
    print(f"ratio for a request that does nothing: {found.ratio:.3f}; a scrape: {found.scrape * 1e3:.2f} ms")
    share = found.share(call.per_second)
    print(f"at {call.per_second:g} requests/s and a scrape every 15 s: {share:.3%} of one processor")
    return 0 if share < ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
