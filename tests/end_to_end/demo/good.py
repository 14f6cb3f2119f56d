"""The story's first part: a good version goes through its stages automatically, with one approval, and completes."""

from __future__ import annotations

from typing import Any

from .screen import ratio, split_of
from .story import Demo, Failed, Step
from .view import ROLLOUT

ROLE = "release-manager"
GOES_ON_WITHIN = 60.0


def customers_order(demo: Demo) -> str:
    """Prometheus has seen orders, and all of them went to the stable version."""
    seen = demo.wait(lambda now: now.stable.errors is not None, "an error ratio for stable", within=60)
    return f"{seen.stable.requests} orders, {ratio(seen.stable.errors)} of them failed"


def start(demo: Demo) -> str:
    """The first stage gives the canary a tenth of the orders."""
    said = demo.start("checkout:2.0")
    demo.wait(lambda now: split_of(now) == "90/10", "90/10 in HAProxy", within=10)
    return said


def waits_for_approval(demo: Demo) -> str:
    """The stage has baked and its criteria are met: only people are missing."""
    demo.wait(lambda _: _missing(demo) == ["approval"], "a gate that lacks an approval alone", within=90)
    return str(_asked(demo)["text"])


def approve(demo: Demo) -> str:
    """Somebody else than who started it approves what is seen now, with the command that the receiver names."""
    return demo.type(_asked(demo)["cure"], role="approver").line


def half(demo: Demo) -> str:
    """The gate is open, and nobody is asked any more."""
    return _goes_on(demo, "50%", "50/50")


def all_of_it(demo: Demo) -> str:
    """No approval is declared before it: the stage bakes, and the gate opens."""
    return _goes_on(demo, "100%", "0/100")


def complete(demo: Demo) -> str:
    """The last gate is passed as well."""
    demo.wait(lambda _: demo.told()["attempt"]["phase"] == "complete", "its end", within=GOES_ON_WITHIN)
    seen = demo.look()
    if split_of(seen) != "0/100":
        raise Failed(f"a complete rollout must keep all orders, and HAProxy splits {split_of(seen)}")
    return f"{seen.canary.requests} orders were answered by the new version; {demo.load.failed} failed in all"


def _goes_on(demo: Demo, stage: str, split: str) -> str:
    demo.wait(
        lambda now: split_of(now) == split and now.stage == stage,
        f"stage {stage} with {split} in HAProxy",
        within=GOES_ON_WITHIN,
    )
    by = next(run["asked_by"] for run in demo.told()["runs"] if run["key"] == stage)
    if by != "handrail":
        raise Failed(f"stage {stage} must be entered automatically, and {by} asked for it")
    return f"HAProxy splits {split}"


def _gate(demo: Demo) -> Any:
    return demo.told()["gate"] or {"asks": []}


def _missing(demo: Demo) -> list[str]:
    return [ask["kind"] for ask in _gate(demo)["asks"] if not ask["met"]]


def _asked(demo: Demo) -> Any:
    """The approval that the gate ahead asks for."""
    found = [ask for ask in _gate(demo)["asks"] if (ask["kind"], ask["name"]) == ("approval", ROLE)]
    if not found:
        raise Failed(f"the gate ahead of {ROLLOUT} must ask for an approval as {ROLE}")
    return found[0]


STEPS: tuple[Step, ...] = (
    ("customers order, and all orders go to the stable version", customers_order),
    ("olga starts the rollout of version 2.0 with 10 %", start),
    ("10 % bakes and is well; then the gate waits for people", waits_for_approval),
    ("anna approves", approve),
    ("it goes on to 50 % automatically", half),
    ("it goes on to 100 % automatically", all_of_it),
    ("it is complete", complete),
)
