"""A guardrail of `shop`, what a Prometheus would have recorded of it, and a Prometheus that knows no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from guarded import playbook
from handrail.contract import (
    Arms,
    GroupFacts,
    GuardrailFacts,
    LimitFacts,
    Playbook,
    RuleFacts,
    StageFacts,
    StageFigure,
    TierFacts,
    rules_digest,
)
from handrail_receiver.errors import TargetError
from handrail_receiver.evidence.snapshot import KeptSeries
from handrail_receiver.outside.prometheus_history import LoadedRules, Series, Span

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
STEP = 15.0
OURS = {"rollout": "shop", "guardrail": "error-rate"}
CANARY = {**OURS, "track": "canary"}
SELECTED = '{rollout="shop",guardrail="error-rate",track="canary"}'
QUERY = (
    f"handrail:guardrail:value{SELECTED} > 0.05\n"
    f"and on (rollout, guardrail, track) handrail:guardrail:events{SELECTED} >= 30"
)
BLIND = f"absent(handrail:guardrail:value{SELECTED})"
LIMIT = LimitFacts(
    signal="",
    op=">",
    figures=(StageFigure(stage=None, figure=Decimal("0.05")),),
    reference=None,
    points=False,
    state=None,
    text="above 5 %",
)
ALERT = RuleFacts(
    "ShopErrorRateCritical", QUERY, alert=True, sustained=60, keep=0, labels={"tier": "critical"}
)
GROUP = GroupFacts("shop/error-rate", 15, (ALERT,))
GUARDRAIL = GuardrailFacts(
    name="error-rate",
    tiers=(
        TierFacts(
            tier="critical",
            alertname="ShopErrorRateCritical",
            severity="critical",
            action="rollback",
            expr=QUERY,
            limits=(LIMIT,),
        ),
        TierFacts(
            tier="blind", alertname="ShopErrorRateBlind", severity="critical", action="hold", expr=BLIND
        ),
    ),
    needs=(('http_requests_total{track=~"canary|stable"}',),),
)


def book(**facts: Any) -> Playbook:
    """A playbook of `shop` with that guardrail."""
    given: dict[str, Any] = {
        "guardrails": (GUARDRAIL,),
        "rules_digest": rules_digest([GROUP]),
        "rule_groups": ("shop/error-rate",),
        "arms": Arms(label="track", canary="canary", stable="stable"),
        "stages": (StageFacts(name="10%", weight=0.1, bake=0), StageFacts(name="50%", weight=0.5, bake=0)),
    }
    return playbook(**{**given, **facts})


def series(labels: Mapping[str, str], values: Sequence[float], metric: str = "") -> KeptSeries:
    """Samples up to NOW, STEP seconds apart."""
    named = {"__name__": metric, **labels} if metric else dict(labels)
    first = NOW - timedelta(seconds=STEP * (len(values) - 1))
    return KeptSeries(
        labels=dict(sorted(named.items())),
        points=tuple((first.timestamp() + STEP * place, str(value)) for place, value in enumerate(values)),
    )


def value(*values: float) -> KeptSeries:
    """What was recorded of the canary's share of failed requests."""
    return series(CANARY, values, "handrail:guardrail:value")


def events(*values: float) -> KeptSeries:
    """How many requests that is made of."""
    return series(CANARY, values, "handrail:guardrail:events")


@dataclass
class Known:
    """A Prometheus that answers a question that contains a text with what stands beside it, and any other with nothing."""

    answers: Mapping[str, Sequence[KeptSeries] | TargetError] = field(default_factory=dict)
    loaded: Sequence[LoadedRules] | TargetError = (LoadedRules("shop.yml", (GROUP,)),)
    asked: list[str] = field(default_factory=list)

    async def series(self, expr: str, span: Span) -> list[Series]:  # noqa: ARG002  the same signature
        """The samples of `expr`."""
        self.asked.append(expr)
        await asyncio.sleep(0)  # as a real one does: others have their turn meanwhile
        found = next((answer for text, answer in self.answers.items() if text in expr), ())
        if isinstance(found, TargetError):
            raise found
        return [Series(one.labels, one.points) for one in found]

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:  # noqa: ARG002
        """What is loaded."""
        self.asked.append("rules")
        if isinstance(self.loaded, TargetError):
            raise self.loaded
        return list(self.loaded)
