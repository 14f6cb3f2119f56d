"""The dashboards of this repository's own rollouts, compiled once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from emit.each import of_each
from handrail.emit import grafana
from own_rollouts import own_plan

__all__ = ["PAGES", "Page", "own_pages", "own_plan", "own_texts"]

Page = dict[str, Any]
PAGES = sorted(
    f"{rollout}{page}.json"
    for rollout, pages in {
        "aidin-hardening": [""],
        "aurigraph-v12": ["", "-performance", "-errors", "-cluster", "-business"],
        "checkout": [""],
        "mem0-redis": [""],
        "relay-r1": ["", "-ttfv", "-rls", "-streaming", "-ann", "-reranker", "-database"],
        "ruleiq": ["", "-flags"],
    }.items()
    for page in pages
)
"""Their files: what is read without compiling anything."""


@cache
def own_texts() -> dict[str, str]:
    """File name → dashboard, as it is written."""
    files = of_each(grafana.emit, own_plan())
    return {Path(path).name: text for path, text in files.items() if path.endswith(".json")}


def own_pages() -> dict[str, Page]:
    """File name → dashboard."""
    return {name: json.loads(text) for name, text in own_texts().items()}
