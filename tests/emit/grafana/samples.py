"""A plan → what its services and its receiver would export: a page of metrics that changes with time.

Every series that some expression selects is there, whatever its name, and each rollout walks through its stages.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import promql_parser
from handrail import plan
from handrail.contract import names
from handrail.promql.comparisons import Scope, value_then

OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
BOUNDS = ("0.1", "0.3", "1", "5", "+Inf")
IDLE = 8.0
"""How long nothing happens at first."""

GAUGE = 0.5
GAUGES = {"active_users_week_ago": 40.0}
"""Gauges that have another value than `GAUGE`: a limit holds only while last week had more than 20 users."""

COUNTED = {"rate", "increase"}
Series = tuple[str, tuple[tuple[str, str], ...]]


def series_of(exprs: list[str]) -> dict[Series, bool]:
    """Every raw series that the expressions select → whether it is a counter."""
    found: dict[Series, bool] = {}
    for expr in exprs:
        for selector, function in _selectors(promql_parser.parse(expr), ""):
            if ":" in selector.name or selector.name == "ALERTS" or selector.name.startswith("handrail_"):
                continue
            for labels in _labels(selector):
                counter = function in COUNTED or selector.name.endswith(("_bucket", "_count"))
                key = (selector.name, tuple(sorted(labels.items())))
                found[key] = found.get(key, False) or counter
    return found


def _selectors(node: Any, function: str) -> Iterator[tuple[Any, str]]:
    """Every vector selector below `node` with the function it stands in."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node, function
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector, function
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from _selectors(argument, node.func.name)
    else:
        for child in ("lhs", "rhs", "expr"):
            if (below := getattr(node, child, None)) is not None:
                yield from _selectors(below, function)


def _labels(selector: Any) -> Iterator[dict[str, str]]:
    """Labels that the selector takes: one set for each alternative of its patterns and each bound of a bucket."""
    sets: list[dict[str, str]] = [{}]
    for matcher in selector.matchers.matchers:
        operator = OPERATORS[str(matcher.op).rpartition(".")[2]]
        if operator in {"!=", "!~"}:
            continue
        values = [matcher.value] if operator == "=" else examples(matcher.value)
        sets = [{**labels, matcher.name: value} for labels in sets for value in values]
    if selector.name.endswith("_bucket") and not any("le" in labels for labels in sets):
        sets = [{**labels, "le": bound} for labels in sets for bound in BOUNDS]
    yield from sets


def examples(pattern: str) -> list[str]:
    """One text for each alternative of a simple pattern: `[45]..|x` → 400, x."""
    texts = []
    for part in pattern.split("|"):
        text = re.sub(r"\[(.)[^\]]*\]", r"\1", part)
        text = re.sub(r"\([^)]*\)\?", "", text)
        texts.append(re.sub(r"(?<!\\)\.[+*]?", "0", text).replace("\\", ""))
    wrong = [text for text in texts if not re.fullmatch(pattern, text)]
    if wrong:
        raise ValueError(f"{wrong} do not fit {pattern}; teach examples() this kind of pattern")
    return texts


def page(series: Mapping[Series, bool], rollouts: tuple[plan.Rollout, ...], age: float, stage: float) -> str:
    """All metrics `age` seconds after the start, when a stage lasts `stage` seconds."""
    lines = [
        f"{_shown(name, labels)} {_count(labels, age) if counter else GAUGES.get(name, GAUGE)}"
        for (name, labels), counter in series.items()
    ]
    for rollout in rollouts:
        lines += _of_receiver(rollout, age, stage)
    return "\n".join([*lines, "handrail_heartbeat_age_seconds 1.5", ""])


def _count(labels: tuple[tuple[str, str], ...], age: float) -> float:
    """It stands still at first: some measures have a value only while nothing happens."""
    bound = dict(labels).get("le")
    share = (BOUNDS.index(bound) + 1) / len(BOUNDS) if bound in BOUNDS else 1
    return 1000 + 50 * max(0, age - IDLE) * share


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


def past(guarded: plan.Plan, now: float) -> str:
    """What the services exported at the times that some limit looks back to, as OpenMetrics."""
    samples: dict[Series, dict[int, float]] = {}
    for rollout in guarded.rollouts:
        for condition, scope in _conditions(rollout):
            ago = condition.reference.ago if condition.reference is not None else None
            if ago is None:
                continue
            then = now - ago.total_seconds()
            for key, counter in series_of([value_then(condition.signal, scope, ago)]).items():
                gauge = GAUGES.get(key[0], GAUGE)
                taken = samples.setdefault(key, {})
                for second in range(-600, 1, 15):  # nothing of it in a window that begins then
                    time_ = round(then + second)
                    taken[time_] = float(time_ % 10**6) if counter else gauge
    lines = []
    for name, labels in sorted(samples):
        lines += [f"# TYPE {name} unknown"] if f"# TYPE {name} unknown" not in lines else []
        lines += [
            f"{_shown(name, labels)} {value} {when}" for when, value in sorted(samples[name, labels].items())
        ]
    return "\n".join([*lines, "# EOF", ""])


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
    series: Mapping[Series, bool], rollouts: tuple[plan.Rollout, ...], stage: float
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
