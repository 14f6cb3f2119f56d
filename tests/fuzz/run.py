"""A number and a seed → so many accepted declarations, judged in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from .declarations import rollouts
from .judges import Declared, Disagreement, accepted, disagreements

BATCH = 8


@dataclass
class Result:
    """How many different declarations were drawn, how many lint accepted, and what was said against some of these."""

    drawn: int = 0
    accepted: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        said = len(self.disagreements)
        return f"{self.drawn:,} declarations, {self.accepted:,} accepted by lint, {said} disagreements"


def run(wanted: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Result:
    """Judge so many declarations that lint accepts."""
    result, draws = Result(), 0
    while result.accepted < wanted:
        batch = _accepted(min(BATCH, wanted - result.accepted), seed * 100_000 + draws, result)
        draws += 1
        result.accepted += len(batch)
        found = disagreements(batch)
        result.disagreements += found
        for one in found:
            tell(f"{one}\n")
        tell(str(result))
    return result


def _accepted(wanted: int, seed: int, result: Result) -> list[Declared]:
    """At most so many, of three times as many that are drawn: none that was judged before."""
    found: list[Declared] = []

    @seeded(seed)
    @settings(
        max_examples=3 * wanted,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rollouts())
    def draw(declared: Declared | None) -> None:
        if len(found) == wanted or repr(declared) in result.seen:
            return
        result.seen.add(repr(declared))
        result.drawn += 1
        if declared is not None and accepted(declared):
            found.append(declared)

    draw()
    return found
