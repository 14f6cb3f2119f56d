"""Our parts that are in a file, and what is declared here → which of them nobody here declares, and whose rollouts would be lost."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from handrail.errors import Problem, Severity, Where
from handrail.output.merging.marked_parts import Part

_ROLLOUTS = re.compile(r'\s*- rollout=~"([^"]+)"')
_COMMAND = "handrail merge alertmanager"


def rollouts_in(lines: Iterable[str]) -> set[str]:
    """The rollouts that the route of a part takes, as it writes them."""
    return {name for line in lines if (match := _ROLLOUTS.match(line)) for name in match[1].split("|")}


def lost(
    lines: Sequence[str], parts: Sequence[Part], fragment: str, environment: str, file: str
) -> Iterator[Problem]:
    """The environment's part has rollouts that the fragment in its place has not: another repository's, perhaps."""
    ours = rollouts_in(fragment.splitlines())
    for part in parts:
        there = rollouts_in(lines[part.first : part.last + 1])
        if part.environment == environment and there - ours:
            names = ", ".join(sorted(there - ours))
            what = f"this part has {names} of {environment}, which is not declared here: its alerts would go to nobody"
            cure = (
                "give the environment a name of its own if another repository declares it; if it is removed or renamed, "
                f"run `{_COMMAND} {file} --remove -e {environment}` first"
            )
            yield Problem(Where(file, part.first + 1), Severity.error, what, cure)


def undeclared(parts: Sequence[Part], declared: Collection[str], file: str) -> Iterator[Problem]:
    """Parts of environments that are not declared here; each is named once."""
    first = {part.environment: part.first + 1 for part in reversed(parts)}
    for environment in sorted(first.keys() - {*declared}):
        what = f"this part is of the environment {environment}, which is not declared here"
        cure = f"leave it if another repository put it here, else run `{_COMMAND} {file} --remove -e {environment}`"
        yield Problem(Where(file, first[environment]), Severity.warning, what, cure)
