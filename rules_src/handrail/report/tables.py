"""Tables → a terminal with colours and lines, or plain text of aligned columns for a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Tabular(Protocol):
    """What can be shown as a table, whosever it is."""

    @property
    def title(self) -> str:
        """What it is about."""

    @property
    def heads(self) -> tuple[str, ...]:
        """The columns."""

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """As many texts as there are columns, each."""


@dataclass(frozen=True)
class Table:
    """A title, the heads of the columns, and rows of as many texts."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def plain(tables: Sequence[Tabular]) -> str:
    """Each table under its title, columns two spaces apart, a row a line: for grep and for a pull request."""
    return "\n".join(_plain(table) for table in tables)


def _plain(table: Tabular) -> str:
    rows = [table.heads, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.heads))]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    return "\n".join([table.title, *lines, ""])


LONG = 12
"""Longer words, as of an address or a hash, may be broken."""
FRAME = 3
"""How many columns of a terminal each column of a table needs beside its text."""


def _narrowest(table: Tabular) -> int:
    """How wide a terminal must be for the table, if no word up to LONG is to be broken."""
    columns = zip(table.heads, *table.rows, strict=True)
    words = (max((len(word) for text in column for word in text.split()), default=0) for column in columns)
    return sum(min(word, LONG) + FRAME for word in words) + 1


def _listed(table: Tabular, console: Console) -> None:
    """Each row below the other: its first text, and the others with the names of their columns."""
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console.print(Text(table.title, style="italic"))
    for first, *others in table.rows:
        console.print(Text(first, style="bold"))
        for head, text in zip(table.heads[1:], others, strict=True):
            if text not in {"", "-"}:
                console.print(Padding(Text.assemble((f"{head}: ", "dim"), text), (0, 0, 0, 2), expand=False))
    console.print()


def coloured(tables: Sequence[Tabular], console: Console | None = None) -> None:
    """The same in the terminal, as wide as it is; a table whose words it would break is a list of its rows."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415

    console = console or Console()
    for table in tables:
        if _narrowest(table) > console.width:
            _listed(table, console)
            continue
        shown = RichTable(title=table.title, title_justify="left", expand=False)
        for head in table.heads:
            shown.add_column(head, overflow="fold")
        for row in table.rows:
            shown.add_row(*map(escape, row))
        console.print(shown)
