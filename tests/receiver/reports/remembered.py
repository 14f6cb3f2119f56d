"""A Prometheus that remembers a figure from an instant on, and answers nothing else; and a playbook that asks for figures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from guarded import playbook
from handrail.contract import (
    Criterion,
    FigureFacts,
    Gate,
    ObjectiveFacts,
    Playbook,
    ReportFacts,
    StageFacts,
    WeeklyTime,
)
from handrail.contract.reporting import ERRORS, P95, P99, RPS, SUCCESSES, UPTIME
from handrail_receiver.errors import TargetError
from handrail_receiver.outside.prometheus_history import LoadedRules, Series, Span

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
UNITS = {
    RPS: "per second",
    P95: "seconds",
    P99: "seconds",
    ERRORS: "ratio",
    SUCCESSES: "ratio",
    UPTIME: "ratio",
}


def figure(name: str, unit: str, source: str = "guardrail error-rate") -> FigureFacts:
    """A figure whose query is its name."""
    return FigureFacts(name=name, unit=unit, expr=f"{name}[${{span}}]", seen=f"seen {name}", source=source)


def book(**facts: object) -> Playbook:
    """A playbook of `shop`: staging, 10 %, 100 %; builds are declared, tests are not."""
    given: dict[str, object] = {
        "stages": (
            StageFacts(name="0%", weight=0, bake=86400),
            StageFacts(name="10%", weight=0.1, bake=86400),
            StageFacts(name="100%", weight=1, bake=3600),
        ),
        "gates": (
            Gate(
                into="10%",
                criteria=(Criterion(guardrail="error-rate", text="below 1 %", expr="x", seen="y"),),
            ),
        ),
        "figures": (
            *(figure(name, unit) for name, unit in UNITS.items()),
            figure("Builds triggered", "number", "declared"),
            figure("Successful builds", "number", "declared"),
        ),
        "objectives": (
            ObjectiveFacts(
                name="availability", title="availability", objective=0.999, window="30d", left="left"
            ),
        ),
        "report": ReportFacts(
            weekly=WeeklyTime(day=0, at="09:00"),
            upcoming=(
                ("Next production release", "Tue"),
                ("Next load test", "2026-03-20"),
                ("Next security scan", "2026-03-03"),
            ),
        ),
    }
    made = playbook(**{**given, **facts})  # type: ignore[arg-type]
    titled = [one.model_copy(update={"title": "Failed requests", "unit": "ratio"}) for one in made.guardrails]
    return made.model_copy(update={"guardrails": tuple(titled)})


VALUES: Mapping[str, float] = {
    RPS: 776123.4,
    P95: 0.187,
    P99: 0.412,
    ERRORS: 0.00071,
    SUCCESSES: 0.99929,
    UPTIME: 0.99987,
    "Builds triggered": 21,
    "Successful builds": 20,
    "left": 0.4,
}


@dataclass
class Remembered:
    """`values` by what their query begins with; there are data from `since` on. `trouble` is why nothing is answered."""

    values: Mapping[str, float] = field(default_factory=lambda: VALUES)
    since: datetime = MONDAY - timedelta(days=60)
    guardrail: Sequence[float] = (0.002, 0.004, 0.003)
    trouble: TargetError | None = None
    asked: list[str] = field(default_factory=list)

    async def series(self, expr: str, span: Span) -> list[Series]:
        """The samples of `expr`."""
        self.asked.append(expr)
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        if expr.startswith("{__name__"):
            labels = {"guardrail": "error-rate", "track": "canary"}
            at = span.start.timestamp()
            return [Series(labels, tuple((at + place, str(one)) for place, one in enumerate(self.guardrail)))]
        name = expr.partition("[")[0]
        value = 1 if expr.startswith("seen ") else self.values.get(name)
        count = int((span.end - span.start) / span.step) + 1
        instants = (span.start + place * span.step for place in range(count))
        points = tuple((at.timestamp(), str(value)) for at in instants if at > self.since)
        return [Series({}, points)] if points and value is not None else []

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:  # noqa: ARG002  the same signature
        """Nothing is loaded."""
        return []
