"""Verdicts → the tables of how many mutants were noticed, and whether that is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.table import Table

from .verdict import Unit, Verdict

LEAST = 0.97
"""The share of the mutants of alerts, and of those of the kinds of recording, that must be noticed."""


def tables(judged: Iterable[Verdict], of_kinds: Mapping[Unit, bool]) -> Iterable[Table]:
    """Alerts, then recordings by kind, by rollout; then every rule by itself, by group."""
    alerts = [one for one in judged if not one.mutant.kind]
    if alerts:
        yield _table("alerts, each by itself", ((_rollout(one.mutant.group), one.noticed) for one in alerts))
    if of_kinds:
        kinds = ((rollout, noticed) for (rollout, _, _), noticed in of_kinds.items())
        yield _table("recordings, each kind of rule once", kinds)
    yield _table("every rule by itself", ((one.mutant.group, one.noticed) for one in judged))


def enough(judged: Iterable[Verdict], of_kinds: Mapping[Unit, bool]) -> bool:
    """Whether it is of alerts, and of kinds of recording."""
    alerts = [one.noticed for one in judged if not one.mutant.kind]
    return all(sum(part) >= LEAST * len(part) for part in (alerts, [*of_kinds.values()]))


def _rollout(group: str) -> str:
    return group.partition("/")[0]


def _table(of: str, verdicts: Iterable[tuple[str, bool]]) -> Table:
    every, noticed = Counter[str](), Counter[str]()
    for name, shown in verdicts:
        every[name] += 1
        noticed[name] += shown
    table = Table(of, "mutants", "noticed", "survived")
    for name, count in every.items():
        table.add_row(name, str(count), str(noticed[name]), str(count - noticed[name]))
    whole, found = every.total(), noticed.total()
    table.add_section()
    table.add_row("all", str(whole), f"{found} ({found / whole:.1%})", str(whole - found))
    return table
