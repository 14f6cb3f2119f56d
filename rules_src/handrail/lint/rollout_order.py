"""rollout-order: a rollout waits for one that nobody declares, for itself, or for one that waits for it.

`waits_for=["db"]` where no rollout is called db keeps every start waiting for ever, and so do two that wait for each
other. With `goes_back_with` of an unknown name nothing would ever go back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handrail.declare import Environment, Rollout
from handrail.lint.common.finding import Finding, finding

NAME = "rollout-order"


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Every rollout that names others."""
    del environments
    known = {rollout.name: rollout for rollout in rollouts}
    for rollout in rollouts:
        for word, others in (
            ("waits_for", rollout.waits_for),
            ("goes_back_with", rollout.goes_back_with),
        ):
            for other in others:
                if other not in known:
                    what = f"rollout '{rollout.name}' has '{other}' in {word}=, and no rollout is called that"
                    yield finding(NAME, rollout, what, "correct the name, or declare it", word)
        if rollout.name in rollout.goes_back_with:
            what = f"rollout '{rollout.name}' goes back with itself"
            yield finding(NAME, rollout, what, "name another rollout", "goes_back_with")
        if rollout.name in _waited_for(rollout, known):
            what = f"rollout '{rollout.name}' waits for itself, maybe through others, and would never begin"
            yield finding(NAME, rollout, what, "take one of them out of waits_for=", "waits_for")


def _waited_for(rollout: Rollout, known: dict[str, Rollout]) -> set[str]:
    """All that it waits for, through others as well."""
    waited_for: set[str] = set()
    ahead = list(rollout.waits_for)
    while ahead:
        name = ahead.pop()
        if name not in waited_for:
            waited_for.add(name)
            ahead += known[name].waits_for if name in known else ()
    return waited_for
