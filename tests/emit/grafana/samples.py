"""What the rollouts' sources and their receiver export → a page of metrics that changes with time.

Each rollout walks through its stages.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import promql_parser
from dashboards.asked import selected, selectors
from dashboards.exported import Series
from handrail import plan
from handrail.contract import names
from handrail.promql.comparisons import Scope, value_then

IDLE = 8.0
"""How long nothing happens at first."""


def page(series: Iterable[Series], rollouts: tuple[plan.Rollout, ...], age: float, stage: float) -> str:
    """All metrics `age` seconds after the start, when a stage lasts `stage` seconds.

    Counters stand still at first: some measures have a value only while nothing happens.
    """
    lines = [f"{one} {1000 + one.level * max(0, age - IDLE) if one.counter else one.level}" for one in series]
    for rollout in rollouts:
        lines += _of_receiver(rollout, age, stage)
    return "\n".join([*lines, "handrail_heartbeat_age_seconds 1.5", ""])


def _shown(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    inner = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{name}{{{inner}}}"


def _of_receiver(rollout: plan.Rollout, age: float, lasts: float) -> Iterator[str]:
    now = min(int(age / lasts), len(rollout.stages) - 1)
    for place, stage in enumerate(rollout.stages):
        of = ((names.ROLLOUT, rollout.name), (names.STAGE, stage.name))
        yield f"{_shown(names.STAGE_METRIC, of)} {int(place == now)}"
        if place == now:
            yield f"{_shown(names.STAGE_ENTERED_METRIC, of)} {time.time() - age + now * lasts}"
    own = ((names.ROLLOUT, rollout.name),)
    yield f"{_shown(names.WEIGHT_METRIC, own)} 0.1"
    yield f"{_shown('handrail_actions_total', (*own, ('action', 'hold'), ('outcome', 'done')))} {age // 2}"
    for guardrail in rollout.playbook.guardrails:
        for reference in guardrail.references:
            whose = ((names.GUARDRAIL, guardrail.name), (names.REFERENCE, reference.reference))
            yield f"{_shown(names.REFERENCE_METRIC, (*own, *whose))} 0.25"


def past(guarded: plan.Plan, known: Sequence[Series], now: float) -> str:
    """What the services exported at the times that some limit looks back to, as OpenMetrics."""
    samples: dict[Series, dict[int, float]] = {}
    for rollout in guarded.rollouts:
        for condition, scope in _conditions(rollout):
            ago = condition.reference.ago if condition.reference is not None else None
            if ago is None:
                continue
            then = now - ago.total_seconds()
            asked = selectors(promql_parser.parse(value_then(condition.signal, scope, ago)))
            for series in {one for selector, _ in asked for one in selected(selector, known)}:
                taken = samples.setdefault(series, {})
                for time_ in _looked_at(condition.signal.measure, then, now):
                    taken[time_] = float(time_ % 10**6) if series.counter else series.level
    lines = []
    for series in sorted(samples, key=str):
        lines += [f"# TYPE {series.name} unknown"] if f"# TYPE {series.name} unknown" not in lines else []
        lines += [f"{series} {value} {when}" for when, value in sorted(samples[series].items())]
    return "\n".join([*lines, "# EOF", ""])


def _looked_at(measure: plan.Measure, then: float, now: float) -> Iterator[int]:
    """Ten minutes until then. What counts over a window must have been seen for all of it, then and now."""
    yield from (round(then) + second for second in range(-600, 1, 15))
    if isinstance(measure, plan.Count) and measure.window is not None:
        whole = range(-round(measure.window.total_seconds()) - 600, -59, 240)
        yield from (round(moment) + second for moment in (then, now) for second in whole)


def _conditions(rollout: plan.Rollout) -> Iterator[tuple[plan.Condition, Scope]]:
    for guardrail in rollout.guardrails:
        scope = Scope(rollout.name, guardrail.name, rollout.stages, guardrail.arms)
        yield from ((condition, scope) for alert in guardrail.alerts for condition in alert.conditions)
        yield from ((success.condition, scope) for success in guardrail.success)


@dataclass(frozen=True)
class Exporter:
    """Where the page is served, and when it was asked for."""

    address: str
    asked: list[float]

    @property
    def age(self) -> float:
        """Seconds from the first scrape to the last."""
        return self.asked[-1] - self.asked[0] if self.asked else 0.0


@contextmanager
def exporter(
    series: Sequence[Series], rollouts: tuple[plan.Rollout, ...], stage: float
) -> Iterator[Exporter]:
    """Serve the page on loopback until the block ends; its time begins with the first scrape."""
    clock: list[float] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            clock.append(time.time())
            body = page(series, rollouts, clock[-1] - clock[0], stage).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield Exporter(f"127.0.0.1:{server.server_port}", clock)
        server.shutdown()
        thread.join()
