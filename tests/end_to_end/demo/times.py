"""The moments of a rollback → a table: how long each step took, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.table import Table


@dataclass(frozen=True)
class Moment:
    """When something was so, and whose clock and word that is."""

    what: str
    witness: str
    at: datetime


def table(moments: list[Moment]) -> Table:
    """One row for each moment, in the order of time; `took` is since the one before."""
    moments = sorted(moments, key=lambda moment: moment.at)
    made = Table(title="From the breach to the proof", title_justify="left")
    made.add_column("moment")
    made.add_column("says")
    made.add_column("took", justify="right")
    made.add_column("since the breach", justify="right")
    for before, moment in zip([moments[0], *moments], moments, strict=False):
        took = (moment.at - before.at).total_seconds()
        since = (moment.at - moments[0].at).total_seconds()
        made.add_row(moment.what, moment.witness, f"{took:.3f} s", f"{since:.3f} s")
    return made
