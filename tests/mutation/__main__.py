"""`python -m mutation`: make every mutant, ask promtool about each, and say which survive.

Exit code 1 when less than 97 % of the mutants of alerts, or of those of the kinds of recording, are noticed, or when a row of
docs/maintainers/mutants.md names no mutant.
"""

from __future__ import annotations

import argparse
import fnmatch
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .counts import enough, tables
from .verdict import Pair, Unit, rollouts, subjects, unit_of, units, verdicts

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "docs/maintainers/mutants.md"
USUAL = ["checkout/*", "relay-r1/*", "aurigraph-v12/slo-*", "aurigraph-v12/rollout"]
"""The groups that are changed where nobody says of which rollout."""
PARTS = {"alerts": (False,), "recordings": (True,), "all": (False, True)}
"""Which mutants, by whether they are of a recording."""


def main() -> int:
    """Run the command."""
    wanted = _arguments()
    console = Console()
    known = rollouts(wanted.source)
    if unknown := set(wanted.rollout) - {rollout.name for rollout in known}:
        console.print(f"no rollout is called {', '.join(sorted(unknown))}", style="red")
        return 2
    groups = ["*"] if wanted.all or wanted.rows else [f"{name}/*" for name in wanted.rollout] or USUAL
    every = [(s, m) for rollout in known for s in subjects(rollout, groups) for m in s.mutants()]
    if "*" in groups and (lost := unused(explained(), (mutant.name for _, mutant in every))):
        console.print(f"rows of docs/maintainers/mutants.md name no mutant: {', '.join(lost)}", style="red")
        return 1
    if wanted.rows:
        return 0
    made = [
        (s, m)
        for s, m in every
        if bool(m.kind) in PARTS[wanted.part] and fnmatch.fnmatchcase(m.name, wanted.only)
    ]
    if not made:
        example = next((mutant.name for _, mutant in every), "")
        console.print(f"no mutant is called '{wanted.only}'; one is called '{example}'", style="red")
        return 2
    if wanted.sample:
        made = random.Random(wanted.seed).sample(made, min(wanted.sample, len(made)))
    if broken := sorted({s.name: s for s, _ in made if s.fails}):
        console.print(f"the tests fail on the rules as they are: {', '.join(broken)}", style="red")
        return 1
    return _asked(console, made, every)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="mutation", description="Do the generated tests notice wrong rules?"
    )
    parser.add_argument("--source", type=Path, default=ROOT / "rules_src")
    parser.add_argument(
        "--rollout", action="append", default=[], help=f"by default the groups {', '.join(USUAL)}"
    )
    parser.add_argument("--all", action="store_true", help="every group of every rollout: hours")
    parser.add_argument(
        "--part", choices=PARTS, default="all", help="only mutants of alerts, or of recordings"
    )
    parser.add_argument(
        "--rows", action="store_true", help="only: does each row of mutants.md name a mutant?"
    )
    parser.add_argument("--sample", type=int, help="only so many mutants, drawn by --seed")
    parser.add_argument("--only", default="*", help="only mutants whose name fits this pattern")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _asked(console: Console, made: list[Pair], every: list[Pair]) -> int:
    """Each mutant by itself; then those of recordings that survived in every other rule of their kind, until one shows it."""
    began, patterns = time.monotonic(), explained()
    judged = []
    for verdict in _shown(console, "mutants", verdicts(made), len(made)):
        judged.append(verdict)
        if not verdict.noticed:
            why = (
                ""
                if any(fnmatch.fnmatchcase(verdict.mutant.name, one) for one in patterns)
                else ", unexplained"
            )
            console.print(f"survived{why}: {verdict.mutant.name}", highlight=False, soft_wrap=True)
    noticed = {unit_of(one.mutant): False for one in judged if one.mutant.kind}
    noticed |= {unit_of(one.mutant): True for one in judged if one.mutant.kind and one.noticed}
    known = {one.mutant.name for one in judged}
    others: dict[Unit, list[Pair]] = {unit: [] for unit, shown in noticed.items() if not shown}
    for subject, mutant in every:
        if mutant.kind and mutant.name not in known and unit_of(mutant) in others:
            others[unit_of(mutant)].append((subject, mutant))
    for unit, shown in _shown(console, "their kinds", units(others), len(others)):
        noticed[unit] = shown
        if not shown:
            name = next(one.mutant.name for one in judged if one.mutant.kind and unit_of(one.mutant) == unit)
            console.print(
                f"survived in all {len(others[unit]) + 1} of its kind: {name}",
                highlight=False,
                soft_wrap=True,
            )
    for table in tables(judged, noticed):
        console.print(table)
    console.print(f"{time.monotonic() - began:.0f} s")
    return 0 if enough(judged, noticed) else 1


def _shown(console: Console, what: str, several: Iterable[T], number: int) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=number)
        for one in several:
            progress.advance(task)
            yield one


def explained() -> list[str]:
    """The names in docs/maintainers/mutants.md: what is in backquotes at the beginning of a table's row; `*` is anything."""
    return re.findall(r"^\| `([^`]+)` \|", EXPLAINED.read_text(encoding="utf-8"), re.MULTILINE)


def unused(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The patterns that no name fits."""
    known = list(names)
    return [pattern for pattern in patterns if not fnmatch.filter(known, pattern)]


if __name__ == "__main__":
    sys.exit(main())
