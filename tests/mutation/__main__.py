"""`python -m mutation`: make every mutant, ask promtool about each, and say which survive.

Exit code 1 when less than 97 % are noticed, when a survivor is not explained in docs/maintainers/mutants.md, or when a
row there names no mutant.
"""

from __future__ import annotations

import argparse
import fnmatch
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from handrail.plan import Rollout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .mutants import Mutant
from .verdict import Subject, Verdict, judge, rollouts, subjects, verdicts

ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "docs/maintainers/mutants.md"
LEAST = 0.97
USUAL = ["checkout/*", "relay-r1/*", "aurigraph-v12/slo-*", "aurigraph-v12/rollout"]
"""The groups that are changed where nobody says of which rollout."""


def main() -> int:
    """Run the command."""
    wanted = _arguments()
    console = Console()
    known = rollouts(wanted.source)
    if unknown := set(wanted.rollout) - {rollout.name for rollout in known}:
        console.print(f"no rollout is called {', '.join(sorted(unknown))}", style="red")
        return 2
    if lost := unused(explained(), _every_name(known)) if wanted.rows or wanted.all else []:
        console.print(f"rows of docs/maintainers/mutants.md name no mutant: {', '.join(lost)}", style="red")
    if wanted.rows or lost:
        return int(bool(lost))
    groups = ["*"] if wanted.all else [f"{name}/*" for name in wanted.rollout] or USUAL
    found = [subject for rollout in known for subject in subjects(rollout, groups)]
    made = [(s, m) for s in found for m in s.mutants() if fnmatch.fnmatchcase(m.name, wanted.only)]
    if not made:
        example = next((m.name for s in found for m in s.mutants()), "")
        console.print(f"no mutant is called '{wanted.only}'; one is called '{example}'", style="red")
        return 2
    if broken := [s.name for s in found if any(s is subject for subject, _ in made) and judge(s)]:
        console.print(f"the tests fail on the rules as they are: {', '.join(broken)}", style="red")
        return 1
    if wanted.sample:
        made = random.Random(wanted.seed).sample(made, min(wanted.sample, len(made)))
    began, patterns = time.monotonic(), explained()
    judged = _judged(console, made, patterns)
    _report(console, judged, time.monotonic() - began)
    return _answer(console, judged, patterns)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="mutation", description="Do the generated tests notice wrong rules?"
    )
    parser.add_argument("--source", type=Path, default=ROOT / "rules_src")
    parser.add_argument(
        "--rollout", action="append", default=[], help=f"by default the groups {', '.join(USUAL)}"
    )
    parser.add_argument("--all", action="store_true", help="every group of every rollout: about an hour")
    parser.add_argument(
        "--rows", action="store_true", help="only: does each row of mutants.md name a mutant?"
    )
    parser.add_argument("--sample", type=int, help="only so many mutants, drawn by --seed")
    parser.add_argument("--only", default="*", help="only mutants whose name fits this pattern")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _judged(console: Console, made: list[tuple[Subject, Mutant]], patterns: list[str]) -> list[Verdict]:
    """The verdicts; whoever survives is named as soon as it has."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("mutants", total=len(made))
        judged = []
        for verdict in verdicts(made):
            judged.append(verdict)
            progress.advance(task)
            if not verdict.noticed:
                why = "" if _among(verdict, patterns) else ", unexplained"
                console.print(f"survived{why}: {verdict.mutant.name}", highlight=False, soft_wrap=True)
    return judged


def _among(verdict: Verdict, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(verdict.mutant.name, pattern) for pattern in patterns)


def _report(console: Console, judged: list[Verdict], seconds: float) -> None:
    table = Table("group", "mutants", "noticed", "survived")
    all_of = Counter(verdict.mutant.group for verdict in judged)
    noticed = Counter(verdict.mutant.group for verdict in judged if verdict.noticed)
    for group, count in all_of.items():
        table.add_row(group, str(count), str(noticed[group]), str(count - noticed[group]))
    total = sum(noticed.values())
    table.add_section()
    table.add_row("all", str(len(judged)), f"{total} ({total / len(judged):.1%})", str(len(judged) - total))
    console.print(table)
    console.print(f"{seconds:.0f} s")


def _answer(console: Console, judged: list[Verdict], patterns: list[str]) -> int:
    survivors = [verdict for verdict in judged if not verdict.noticed]
    unexplained = [verdict for verdict in survivors if not _among(verdict, patterns)]
    enough = 1 - len(survivors) / len(judged) >= LEAST
    if not enough:
        console.print(f"less than {LEAST:.0%} were noticed", style="red")
    if unexplained:
        console.print(
            f"{len(unexplained)} survivors are not explained in docs/maintainers/mutants.md", style="red"
        )
    return 0 if enough and not unexplained else 1


def explained() -> list[str]:
    """The names in docs/maintainers/mutants.md: what is in backquotes at the beginning of a table's row; `*` is anything."""
    return re.findall(r"^\| `([^`]+)` \|", EXPLAINED.read_text(encoding="utf-8"), re.MULTILINE)


def unused(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The patterns that no name fits."""
    known = list(names)
    return [pattern for pattern in patterns if not fnmatch.filter(known, pattern)]


def _every_name(known: Iterable[Rollout]) -> Iterator[str]:
    """The name of every mutant of these rollouts."""
    return (mutant.name for rollout in known for subject in subjects(rollout) for mutant in subject.mutants())


if __name__ == "__main__":
    sys.exit(main())
