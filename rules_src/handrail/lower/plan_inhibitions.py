"""The alerts of a rollout, and who is told of which → which alert inhibits which.

A more severe alert mutes a milder one of the same guardrail if nothing is lost: both are about the same series, its
action includes the other's, and everyone who is told of the other is told of it, at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from handrail import plan
from handrail.contract import names
from handrail.plan.routing import Channel, Inhibition, Interval, Matcher
from handrail.promql.syntax import either

Chain = plan.Guardrail | plan.Slo


@dataclass(frozen=True)
class Audience:
    """Who is told besides the receiver, which hears of everything, and in which times each of them is not."""

    muted: Mapping[Channel, frozenset[Interval]] = field(default_factory=dict)

    def hears_all_of(self, other: Audience) -> bool:
        """Whether everybody in `other` is in this one too, and never muted here while not muted there."""
        return all(who in self.muted and self.muted[who] <= times for who, times in other.muted.items())

    def and_of(self, other: Audience) -> Audience:
        """Both together: who is in both is muted only while muted in both."""
        both = {who: times & other.muted.get(who, times) for who, times in self.muted.items()}
        return Audience({**other.muted, **both})


Audiences = Mapping[str, Audience]
"""By severity, and by action."""

COVERS: Final = {
    "investigate": ("investigate",),
    "hold": ("investigate", "hold"),
    "rollback": ("investigate", "hold", "rollback"),
    "emergency-rollback": ("investigate", "hold", "rollback", "emergency-rollback"),
    "security-rollback": ("investigate", "hold", "rollback", "security-rollback"),
    "promote": ("promote",),
}
"""What each action does as well."""


@dataclass(frozen=True)
class _Kind:
    """The labels by which a rule selects an alert; the guardrail is in `equal`."""

    tier: str
    action: str
    severity: str

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        return (
            Matcher(names.TIER, "=", self.tier),
            Matcher(names.ACTION, "=", self.action),
            Matcher(names.SEVERITY, "=", self.severity),
        )


def inhibitions(rollout: str, chains: Sequence[Chain], told: Audiences) -> tuple[Inhibition, ...]:
    """One inhibition for every pair of alerts in which the more severe mutes the milder."""
    guardrails = [chain for chain in chains if isinstance(chain, plan.Guardrail)]
    unknown = [guardrail.name for guardrail in guardrails if guardrail.alert_labels is None]
    # A label that a guardrail does not have is missing on both of its alerts, and so equal.
    labels = sorted({label for guardrail in guardrails for label in guardrail.alert_labels or ()})
    # An escalation level has its alert's tier and must still be heard.
    own = (Matcher(names.ROLLOUT, "=", rollout), Matcher(names.LEVEL, "=", ""))
    source = (*own, Matcher(names.MODE, "!=", names.SHADOW))
    known = (Matcher(names.GUARDRAIL, "!~", either(unknown)),) if unknown else ()
    return tuple(
        Inhibition(
            (*source, *known, *severer.matchers),
            (*own, *milder.matchers),
            equal=(names.ROLLOUT, names.SERVICE, names.ENVIRONMENT, names.GUARDRAIL, *labels),
        )
        for severer, milder in _pairs(chains, told)
    )


def _pairs(chains: Sequence[Chain], told: Audiences) -> Iterator[tuple[_Kind, _Kind]]:
    pairs = {
        (_kind(severer), _kind(milder))
        for chain in chains
        if isinstance(chain, plan.Slo) or not chain.shadow
        for severer in chain.alerts
        for milder in chain.alerts
        if names.TIERS.index(milder.tier) < names.TIERS.index(severer.tier)
    }
    yield from sorted(
        (pair for pair in pairs if _makes_up_for(*pair, told)),
        key=lambda pair: (_order(pair[0]), _order(pair[1])),
    )


def _kind(alert: plan.Alert) -> _Kind:
    return _Kind(alert.tier, alert.action, alert.severity)


def _makes_up_for(severer: _Kind, milder: _Kind, told: Audiences) -> bool:
    heard = _who_hears(severer, told).hears_all_of(_who_hears(milder, told))
    return heard and milder.action in COVERS[severer.action]


def _who_hears(kind: _Kind, told: Audiences) -> Audience:
    nobody = Audience()
    return told.get(kind.severity, nobody).and_of(told.get(kind.action, nobody))


def _order(kind: _Kind) -> tuple[int, str, str]:
    return -names.TIERS.index(kind.tier), kind.action, kind.severity
