"""Rule groups, as they were generated or as Prometheus has loaded them → their digest: the same rules give the same one.

Prometheus writes every expression again when it says what it has loaded, so both sides are written down in one form.
Texts for people are left out, and the recording that tells the digest itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from handrail.contract import names

SHOWN = 32
"""How many hexadecimal digits a digest has; one with fewer was made by an older version, of something else."""


@dataclass(frozen=True)
class RuleFacts:
    """One rule; `sustained` and `keep` are an alert's `for` and `keep_firing_for` in seconds."""

    name: str
    query: str
    alert: bool = False
    sustained: float = 0
    keep: float = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupFacts:
    """One group of rules, which is evaluated every `interval` seconds."""

    name: str
    interval: float
    rules: tuple[RuleFacts, ...]


def rules_digest(groups: Iterable[GroupFacts]) -> str:
    """The digest of rules, in whichever order their groups come."""
    written = sorted((_group(group) for group in groups), key=json.dumps)
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:SHOWN]


def _group(group: GroupFacts) -> list[object]:
    return [
        group.name,
        float(group.interval),
        [
            [
                rule.alert,
                rule.name,
                one_form(rule.query),
                float(rule.sustained),
                float(rule.keep),
                dict(rule.labels),
            ]
            for rule in group.rules
            if rule.name != names.RULES_INFO
        ],
    ]


@lru_cache(4096)
def one_form(query: str) -> str:
    """An expression as everybody writes it who means the same; as it is where it cannot be read."""
    import promql_parser  # noqa: PLC0415  only this needs it, and it takes its time

    try:
        return " ".join(promql_parser.parse(query).prettify().split())
    except ValueError:
        return " ".join(query.split())
