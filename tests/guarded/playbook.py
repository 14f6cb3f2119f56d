"""What may differ between tests → a Playbook of the rollout `shop`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handrail.contract import (
    Action,
    ActionName,
    Arms,
    BurstFacts,
    GuardrailFacts,
    HAProxyWeight,
    Playbook,
    Proof,
    StageFacts,
    Step,
    TierFacts,
    names,
)

ROLLOUT = "shop"
ENVIRONMENT = "production"
SOCKET = "unix:haproxy.sock"
GUARDRAILS: dict[str, dict[str, ActionName]] = {
    "error-rate": {
        "warning": "investigate",
        "critical": "rollback",
        "emergency": "emergency-rollback",
        "blind": "hold",
    },
    "leaks": {"critical": "security-rollback"},
}


def weights(canary: int, stable: int, **bounds: Any) -> tuple[Step, ...]:
    """Set both servers' weights."""
    return (
        HAProxyWeight("web/canary", canary, [SOCKET], **bounds),
        HAProxyWeight("web/stable", stable, [SOCKET], **bounds),
    )


def tier(guardrail: str, name: str, action: ActionName, **facts: Any) -> TierFacts:
    """A tier of a guardrail of `shop`."""
    return TierFacts(
        tier=name,
        alertname=names.alert_name(ROLLOUT, guardrail, name),
        severity=name,
        action=action,
        expr=f'vector(1) and on() up{{job="{guardrail}"}}',
        **facts,
    )


def load_burst(**facts: Any) -> BurstFacts:
    """A load burst of ten requests as soon as stage 10% is entered; `facts` are its own."""
    given: dict[str, Any] = {
        "at": 0,
        "name": "rush",
        "stage": "10%",
        "method": "GET",
        "url": "https://shop.example/",
        "requests": 10,
        "users": 1,
        "pause": 0,
        "timeout": 1,
        "within": 60,
        "expect": 200,
        "failed": 0,
    }
    return BurstFacts(**{**given, **facts})


def playbook(
    *,
    steps: Sequence[Step] | None = None,
    proof: Proof | None = None,
    tiers: dict[str, dict[str, Any]] | None = None,
    **facts: Any,
) -> Playbook:
    """The playbook; `tiers` gives a tier (`error-rate/critical`) more facts, `facts` are the playbook's own."""
    acting: list[ActionName] = ["rollback", "emergency-rollback", "security-rollback"]
    chosen = tuple(weights(0, 100) if steps is None else steps)
    given: dict[str, Any] = {
        "rollout": ROLLOUT,
        "service": ROLLOUT,
        "arms": Arms(label="track", canary="canary", stable="stable"),
        "stages": (
            StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90)),
            StageFacts(name="50%", weight=0.5, bake=3600, enter=weights(50, 50)),
            StageFacts(name="100%", weight=1.0, bake=None, enter=weights(100, 0)),
        ),
        "gates": (),
        "guardrails": tuple(
            GuardrailFacts(
                name=guardrail,
                tiers=tuple(
                    tier(
                        guardrail, name, **{"action": action, **(tiers or {}).get(f"{guardrail}/{name}", {})}
                    )
                    for name, action in known.items()
                ),
            )
            for guardrail, known in GUARDRAILS.items()
        ),
        "actions": (
            Action(name="investigate"),
            Action(name="hold"),
            *(Action(name=name, steps=chosen, proof=proof) for name in acting),
        ),
        "runbook_url": "https://runbooks.example/shop",
        "dashboard_url": "https://dashboards.example/shop",
    }
    return Playbook(**{**given, **facts})


def reducible(book: Playbook, *steps: Step) -> Playbook:
    """The same with something softer than a rollback: 5 % for the canary."""
    softer = Action(name="reduce", steps=steps or weights(5, 95), weight=0.05)
    return book.model_copy(update={"actions": (*book.actions, softer)})


def with_thin(book: Playbook) -> Playbook:
    """The same with an alert for too few events of its first guardrail."""
    first, *others = book.guardrails
    thin = TierFacts(tier="thin", alertname="ShopThin", severity="warning", action="investigate", expr="few")
    told = first.model_copy(update={"tiers": (*first.tiers, thin)})
    return book.model_copy(update={"guardrails": (told, *others)})


def write_playbook(folder: Path, book: Playbook) -> Path:
    """Write a playbook as the compiler would; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{book.rollout}.json").write_text(book.model_dump_json())
    return folder
