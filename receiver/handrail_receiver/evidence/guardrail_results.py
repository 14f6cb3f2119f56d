"""A snapshot → each guardrail in a line: its figure, its limit, and whether it is OK. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handrail.contract import names

from handrail_receiver.evidence.snapshot import Snapshot, TierSeen
from handrail_receiver.words.figures import figure


@dataclass(frozen=True)
class GuardrailResult:
    """`word` is OK, WARNING, BREACH, BLIND, UNKNOWN or IDLE (judged only while something else holds, or once it has been seen, and it is not now);
    `limit` that of the tier that says so, or of the most severe one."""

    name: str
    word: str
    figure: str
    limit: str
    note: str = ""

    def text(self) -> str:
        """`BREACH ttfv-p95: 1.62 s (above 1.5 s)`."""
        limit = f" ({'limit: ' if self.word == 'OK' else ''}{self.limit})" if self.limit else ""
        return f"{self.word} {self.name}: {self.figure}{limit}{self.note}"


def guardrail_results(taken: Snapshot) -> Iterator[GuardrailResult]:
    """In their order; those in shadow mode are left out."""
    for name in dict.fromkeys(tier.guardrail for tier in taken.tiers if not tier.shadow):
        tiers = [tier for tier in taken.tiers if tier.guardrail == name and not tier.shadow]
        word, by = _word(tiers)
        note = _note(taken, tiers, by)
        limited = [tier for tier in tiers if tier.limits]
        limits = (by or (limited[-1] if limited else tiers[-1])).limits
        shown = figure(tiers[0].value, tiers[0].unit) or tiers[0].why_blind.removeprefix(": ")
        yield GuardrailResult(name, word, shown, " or ".join(limits), note)


def _word(tiers: Sequence[TierSeen]) -> tuple[str, TierSeen | None]:
    """What is said of a guardrail, and the tier by which it is said. One without a figure is never OK."""
    broken = [tier for tier in tiers if tier.breached]
    if broken:
        return "WARNING" if broken[-1].tier == "warning" else "BREACH", broken[-1]
    if any(tier.blinded for tier in tiers):
        return "BLIND", None
    if any(tier.verdict == "unknown" for tier in tiers):
        return "UNKNOWN", None
    if tiers[0].value:
        return "OK", None
    return ("IDLE" if any(tier.verdict == "idle" for tier in tiers) else "BLIND"), None


def _note(taken: Snapshot, tiers: Sequence[TierSeen], by: TierSeen | None) -> str:
    """Why a limit that the figure is beyond does not fire, or why no figure is beside its limit."""
    if by is not None:
        return (
            ", its rule does not hold" if by.verdict == "beyond" else ", pending" if taken.pending(by) else ""
        )
    verdicts = {tier.verdict for tier in tiers}
    if any(tier.blinded and tier.tier == names.THIN for tier in tiers):
        return ", too few events"
    if "idle" in verdicts:
        return ", not judged now"
    return ", judged by Prometheus only" if "unbroken" in verdicts else ""
