"""A Prometheus that records a guardrail of `shop` as generated rules do, and a receiver that asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guarded import Guarded, guarded
from guarded.playbook import ENVIRONMENT, reducible, weights
from guarded.scraped import Application, watched
from handrail.contract import (
    CheckFacts,
    GroupFacts,
    GuardrailFacts,
    ProbeFacts,
    RuleFacts,
    StageFacts,
    TierFacts,
    rules_digest,
)

from .kept import BLIND, GUARDRAIL, LIMIT, OURS, QUERY, book

LABELS = {"service": "shop", "environment": ENVIRONMENT, "guardrail": "error-rate", "rollout": "shop"}
RULES: list[dict[str, object]] = [
    {"record": "handrail:guardrail:info", "expr": "vector(1)", "labels": {**OURS, "unit": "ratio"}},
    {"record": "handrail:guardrail:events", "expr": "requests", "labels": {**OURS, "track": "canary"}},
    {"record": "handrail:guardrail:value", "expr": "bad / requests", "labels": {**OURS, "track": "canary"}},
    {
        "alert": "ShopErrorRateCritical",
        "expr": QUERY,
        "labels": {**LABELS, "tier": "critical", "severity": "critical", "action": "rollback"},
    },
    {
        "alert": "ShopErrorRateBlind",
        "expr": BLIND,
        "for": "1m",
        "labels": {**LABELS, "tier": "blind", "severity": "critical", "action": "hold"},
    },
]
STAGES = (
    StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90)),
    StageFacts(name="50%", weight=0.5, bake=0, enter=weights(50, 50)),
)


def rules(limit: str = "0.05") -> str:
    """The rules as a file."""
    written = [{**rule, "expr": str(rule["expr"]).replace("0.05", limit)} for rule in RULES]
    return json.dumps({"groups": [{"name": "shop/error-rate", "interval": "250ms", "rules": written}]})


def digest() -> str:
    """The digest of the rules as they are generated."""
    made = tuple(
        RuleFacts(
            str(rule.get("record") or rule["alert"]),
            str(rule["expr"]),
            "alert" in rule,
            60 if "for" in rule else 0,
            labels=rule["labels"],  # type: ignore[arg-type]
        )
        for rule in RULES
    )
    return rules_digest([GroupFacts("shop/error-rate", 0.25, made)])


@dataclass
class Recorded:
    """A receiver and the metrics that its Prometheus scrapes."""

    shop: Guarded
    application: Application


@contextmanager
def recorded(
    folder: Path,
    limit: str = "0.05",
    checks: tuple[float | CheckFacts, ...] = (),
    probes: tuple[ProbeFacts, ...] = (),
    *,
    softer: bool = False,
    **settings: Any,
) -> Iterator[Recorded]:
    """Both, while 2 of 100 requests fail; `limit` is that of the loaded rules. `softer`: its share can be reduced."""
    metrics = {"requests": 100.0, "bad": 2.0}
    made = book(
        rules_digest=digest(),
        environment=ENVIRONMENT,
        stages=STAGES,
        guardrails=(guardrail(),),
        checks=checks,
        probes=probes,
    )
    made = reducible(made) if softer else made
    with (
        watched(folder, metrics, rules=rules(limit)) as application,
        guarded(folder, made, PROMETHEUS=application.url, **settings) as shop,
    ):
        yield Recorded(shop, application)


def guardrail() -> GuardrailFacts:
    """The guardrail, which needs nothing that is not there."""
    critical, blind = GUARDRAIL.tiers
    asked = TierFacts.model_validate(critical.model_dump() | {"limits": (LIMIT,)})
    return GUARDRAIL.model_copy(update={"tiers": (asked, blind), "needs": ()})
