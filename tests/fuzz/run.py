"""A number and a seed → so many accepted declarations, judged in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from .declarations import rollouts
from .judges import Declared, Disagreement, accepted, disagreements

BATCH = 5


@dataclass
class Result:
    """How many declarations were drawn, how many lint accepted, and what was said against some of these."""

    drawn: int = 0
    accepted: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def __str__(self) -> str:
        said = len(self.disagreements)
        return f"{self.drawn:,} declarations, {self.accepted:,} accepted by lint, {said} disagreements"


def run(wanted: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Result:
    """Judge so many declarations that lint accepts."""
    result = Result()
    while result.accepted < wanted:
        batch = list(_accepted(min(BATCH, wanted - result.accepted), seed * 100_000 + result.drawn, result))
        result.accepted += len(batch)
        found = disagreements(batch)
        result.disagreements += found
        for one in found:
            tell(f"{one}\n")
        tell(str(result))
    return result


def _accepted(wanted: int, seed: int, result: Result) -> list[Declared]:
    """At most so many, of twice as many that are drawn."""
    found: list[Declared] = []

    @seeded(seed)
    @settings(
        max_examples=2 * wanted,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rollouts())
    def draw(declared: Declared | None) -> None:
        if len(found) == wanted:
            return
        result.drawn += 1
        if declared is not None and accepted(declared):
            found.append(declared)

    draw()
    return found
