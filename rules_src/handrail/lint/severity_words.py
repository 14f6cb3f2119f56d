"""severity-words: two tiers have the same severity, or one has another tier's name.

Alertmanager routes by the word. With `severities={"warning": "P2", "critical": "P2"}` a warning wakes the same people
as a rollback; with `{"warning": "critical"}` nobody can tell what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from handrail.contract import names
from handrail.declare import Guardrail, Rollout
from handrail.declare.guardrail import Tier
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "severity-words"

_NONE = "none"


def check(rollout: Rollout) -> Iterator[Finding]:
    """The rollout's own words, and those of single tiers."""
    words = {tier: rollout.severities.get(tier, tier) for tier in names.TIERS}
    for tier, word in words.items():
        if tier in rollout.severities and (word == _NONE or (word in names.TIERS and word != tier)):
            what = f"severities calls {tier} '{word}', a word that means something else"
            yield finding(NAME, rollout, what, "choose another word", "severities", tier)
    for one, other in combinations(names.TIERS, 2):
        if words[one] == words[other]:
            what = f"severities calls {one} and {other} both '{words[one]}'"
            yield finding(NAME, rollout, what, "give each its own word", "severities", other)
    for guardrail in rollout.guardrails:
        for milder, severer in combinations(guardrail.tiers, 2):
            yield from _pair(guardrail, milder, severer, words)


def _pair(guardrail: Guardrail, milder: Tier, severer: Tier, words: dict[str, str]) -> Iterator[Finding]:
    low, high = milder.severity or words[milder.tier], severer.severity or words[severer.tier]
    if low == high and (milder.severity or severer.severity):
        what = f"gives {milder.tier} and {severer.tier} the same severity '{low}'"
        at = severer if severer.severity else milder
        cure = "give each its own word"
        yield finding(NAME, at, what, cure, "severity", about=guardrail, severity=Severity.warning)
