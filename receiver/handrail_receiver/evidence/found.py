"""A snapshot → each guardrail in a line: its figure, its limit, and whether it is OK. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handrail_receiver.evidence.snapshot import Snapshot, TierSeen
from handrail_receiver.words.figures import figure


@dataclass(frozen=True)
class GuardrailFound:
    """`word` is OK, WARNING, BREACH, BLIND or UNKNOWN; `limit` that of the tier that says so, or of the gravest."""

    name: str
    word: str
    figure: str
    limit: str
    note: str = ""

    def text(self) -> str:
        """`BREACH ttfv-p95: 1.62 s (above 1.5 s)`."""
        limit = f" ({'limit: ' if self.word == 'OK' else ''}{self.limit})" if self.limit else ""
        return f"{self.word} {self.name}: {self.figure or 'no figure'}{limit}{self.note}"


def guardrails_found(taken: Snapshot) -> Iterator[GuardrailFound]:
    """In their order; those in shadow mode are left out."""
    for name in dict.fromkeys(tier.guardrail for tier in taken.tiers if not tier.shadow):
        tiers = [tier for tier in taken.tiers if tier.guardrail == name and not tier.shadow]
        word, by = _word(tiers)
        note = _note(taken, by) if by else ""
        limited = [tier for tier in tiers if tier.limits]
        limits = (by or (limited[-1] if limited else tiers[-1])).limits
        yield GuardrailFound(name, word, figure(tiers[0].value, tiers[0].unit), " or ".join(limits), note)


def _word(tiers: Sequence[TierSeen]) -> tuple[str, TierSeen | None]:
    """What is said of a guardrail, and the tier by which it is said."""
    broken = [tier for tier in tiers if tier.verdict in {"broken", "beyond"}]
    if broken:
        return "WARNING" if broken[-1].tier == "warning" else "BREACH", broken[-1]
    for verdict in ("blind", "unknown"):
        if any(tier.verdict == verdict for tier in tiers):
            return verdict.upper(), None
    return "OK", None


def _note(taken: Snapshot, by: TierSeen) -> str:
    """Why a limit that the figure is beyond does not fire."""
    if by.verdict == "beyond":
        return ", its rule does not hold"
    return ", pending" if taken.pending(by) else ""
