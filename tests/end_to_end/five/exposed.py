"""Series with a rate or a value → the pages that Prometheus scrapes, until somebody says that the rates are others."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from apis.serving import Api, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response


class Flow:
    """What grows by so much a second; all on one page are read and changed at one instant, as in one process."""

    def __init__(self, since: float) -> None:
        self.total, self.per_second, self.since = 0.0, 0.0, since

    def goes(self, per_second: float, now: float) -> None:
        """From now on at another rate."""
        self.total, self.since = self.at(now), now
        self.per_second = per_second

    def at(self, now: float) -> float:
        """How much it is by now."""
        return self.total + self.per_second * (now - self.since)


class Exposed(Api):
    """An application as its monitoring sees it: pages of series, and paths that answer with JSON."""

    def __init__(self, answers: Mapping[str, object] | None = None) -> None:
        super().__init__()
        self.answers = dict(answers or {})
        self._counters: dict[tuple[str, str], Flow] = {}
        self._gauges: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Its host and port."""
        return self.url.removeprefix("http://")

    def counts(self, series: str, per_second: float, page: str = "/metrics") -> None:
        """A counter grows at this rate from now on."""
        self._count({series: per_second}, page)

    def _count(self, rates: Mapping[str, float], page: str) -> None:
        with self._lock:
            now = time.monotonic()
            for series, per_second in rates.items():
                self._counters.setdefault((page, series), Flow(now)).goes(per_second, now)

    def is_at(self, series: str, value: float, page: str = "/metrics") -> None:
        """A gauge has this value from now on."""
        with self._lock:
            self._gauges[page, series] = value

    def takes(
        self, histogram: str, value: float, per_second: float, bounds: Sequence[float], page: str = "/metrics"
    ) -> None:
        """So many observations of this value a second from now on."""
        rates = {
            f'{histogram}_bucket{{le="{bound:g}"}}': per_second if value <= bound else 0 for bound in bounds
        }
        rates |= {f"{histogram}_{series}": per_second for series in ('bucket{le="+Inf"}', "count")}
        self._count({**rates, f"{histogram}_sum": per_second * value}, page)

    def answer(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path in self.answers:
            return JSONResponse(self.answers[path])
        with self._lock:
            lines = [f"{series} {value:g}" for (page, series), value in self._gauges.items() if page == path]
            now = time.monotonic()
            grown = [(one, flow.at(now)) for (page, one), flow in self._counters.items() if page == path]
        lines += [f"{series} {total if '_sum' in series else int(total)}" for series, total in grown]
        if not lines:
            return JSONResponse({"error": "nothing here"}, 404)
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
