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


def coloured(tables: Sequence[Tabular], console: Console | None = None) -> None:
    """The same in the terminal, as wide as it is."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415

    console = console or Console()
    for table in tables:
        shown = RichTable(title=table.title, title_justify="left", expand=False)
        for head in table.heads:
            shown.add_column(head, overflow="fold")
        for row in table.rows:
            shown.add_row(*map(escape, row))
        console.print(shown)
