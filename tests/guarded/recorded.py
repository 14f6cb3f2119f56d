"""Figures that a test sets → a real Prometheus that records them as a rollout's generated rules would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import servers
import yaml
from handrail.contract import GuardrailFacts, LimitFacts, Playbook, StageFigure, TierFacts, names

from .playbook import ENVIRONMENT, GUARDRAILS, ROLLOUT, playbook, tier
from .scraped import Application, samples, watched

FIGURES = {
    "canary_errors": 0.004,
    "stable_errors": 0.002,
    "canary_events": 100.0,
    "stable_events": 900.0,
    "leaks": 0.0,
}
"""What the recorded series are made of."""
LIMITS = {"warning": "0.01", "critical": "0.05", "emergency": "0.25"}


def limit(figure: str, text: str, *stages: tuple[str, str]) -> LimitFacts:
    """A limit above a figure, which may differ in some stages."""
    figures = [StageFigure(stage=stage, figure=Decimal(other)) for stage, other in stages]
    return LimitFacts(
        signal="",
        op=">",
        figures=(*figures, StageFigure(stage=None, figure=Decimal(figure))),
        reference=None,
        points=False,
        state=None,
        text=text,
    )


def limited_playbook(**facts: object) -> Playbook:
    """The usual playbook, whose error rate has limits; its critical one is tighter in stage 50%."""
    tiers: tuple[TierFacts, ...] = tuple(
        tier(
            "error-rate",
            name,
            action,
            limits=(
                (
                    limit(
                        LIMITS[name],
                        f"above {Decimal(LIMITS[name]) * 100:f} %",
                        *((("50%", "0.02"),) if name == "critical" else ()),
                    ),
                )
                if name in LIMITS
                else ()
            ),
        )
        for name, action in GUARDRAILS["error-rate"].items()
    )
    leaks = GuardrailFacts(
        name="leaks", tiers=(tier("leaks", "critical", "security-rollback", limits=(limit("0", "above 0"),)),)
    )
    given: dict[str, object] = {
        "environment": ENVIRONMENT,
        "guardrails": (GuardrailFacts(name="error-rate", tiers=tiers), leaks),
    }
    return playbook(**{**given, **facts})  # type: ignore[arg-type]


def rules(rollout: str = ROLLOUT) -> str:
    """Recording rules over FIGURES, and the alerts of the error rate."""

    def recorded(name: str, guardrail: str, expr: str, **labels: str) -> dict[str, object]:
        return {
            "record": name,
            "expr": expr,
            "labels": {"rollout": rollout, "guardrail": guardrail, **labels},
        }

    told: list[dict[str, object]] = [
        recorded(names.INFO, "error-rate", "vector(1)", unit="ratio", mode="active"),
        recorded(names.INFO, "leaks", "vector(1)", unit="number", mode="active"),
        recorded(names.VALUE, "leaks", "sum(leaks)"),
    ]
    for arm in (names.CANARY, names.STABLE):
        told.append(recorded(names.EVENTS, "error-rate", f"sum({arm}_events)", track=arm))
        told.append(recorded(names.VALUE, "error-rate", f"sum({arm}_errors)", track=arm))
    alert = {
        "alert": names.alert_name(rollout, "error-rate", "critical"),
        "expr": "sum(canary_errors) > 0.05",
        "labels": {
            "rollout": rollout,
            "service": rollout,
            "environment": ENVIRONMENT,
            "guardrail": "error-rate",
            "tier": "critical",
            "severity": "critical",
            "action": "rollback",
        },
    }
    group = {"name": rollout, "interval": "250ms", "rules": [*told, alert]}
    return yaml.safe_dump({"groups": [group]})


@contextmanager
def recorded(folder: Path, alertmanagers: Sequence[str] = (), **figures: float) -> Iterator[Application]:
    """A Prometheus that records `shop`'s guardrails from FIGURES."""
    with watched(folder, {**FIGURES, **figures}, alertmanagers, rules=rules()) as application:
        wanted = (names.INFO, f'{names.VALUE}{{guardrail="leaks"}}', f'{names.VALUE}{{track="stable"}}')
        servers.until(lambda: all(samples(application.url, one) for one in wanted), "the rules")
        yield application
