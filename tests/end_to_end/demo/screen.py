"""What the demo does and sees → a terminal: drawn live for people, plain lines for a machine."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .load import Load
from .view import Arm, Snapshot


class Plain:
    """Lines on stdout: each step when it is done, and the split whenever it is another."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.split = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, title: str) -> None:
        """A step begins."""
        self._line(f"... {title}")

    def done(self, title: str, seen: str, seconds: float) -> None:
        """A step is done."""
        self._line(f"ok  {title}: {seen} ({seconds:.1f} s)")

    def say(self, text: str) -> None:
        """A line of the story."""
        self._line(text)

    def typed(self, command: str) -> None:
        """A command is typed."""
        self._line(f"    $ {command}")

    def failed(self, title: str, why: str) -> None:
        """A step failed: the last that is told."""
        self._line(f"FAILED  {title}: {why}")

    def show(self, snapshot: Snapshot, load: Load) -> None:  # noqa: ARG002  the same signature as Drawn
        """The stack now."""
        split = split_of(snapshot)
        if split != self.split:
            self.split = split
            self._line(f"    split in HAProxy, stable/canary: {split}")

    def table(self, table: Table) -> None:
        """How long each step of the rollback took."""
        self.console.print(table)

    def _line(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)


class Drawn:
    """The steps that are done, and below them a picture of split, errors and alerts, redrawn as they change."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.began = time.monotonic()
        self.now: tuple[str, float] | None = None
        self.snapshot: Snapshot | None = None
        self.load = Load()
        self.live = Live(get_renderable=self._picture, console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> Self:
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.now = None
        self.live.__exit__(kind, error, trace)

    def begin(self, title: str) -> None:
        """A step begins."""
        self.now = (title, time.monotonic())

    def done(self, title: str, seen: str, seconds: float) -> None:
        """A step is done."""
        self.now = None
        self.console.print(Text.assemble(("✓ ", "green"), title, (f"  {seconds:.1f} s", "cyan")))
        self.console.print(Text(f"  {seen}", "dim"))

    def say(self, text: str) -> None:
        """A line of the story."""
        self.console.print(Text(text, "bold"), soft_wrap=True)

    def typed(self, command: str) -> None:
        """A command is typed."""
        self.console.print(Text(f"  $ {command}", "magenta"))

    def failed(self, title: str, why: str) -> None:
        """A step failed: the last that is told."""
        self.now = None
        self.console.print(Text.assemble(("✗ ", "bold red"), (title, "bold red"), f"\n  {why}"))

    def show(self, snapshot: Snapshot, load: Load) -> None:
        """The stack now."""
        self.snapshot, self.load = snapshot, load

    def table(self, table: Table) -> None:
        """How long each step of the rollback took."""
        self.console.print(table)

    def _picture(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self.snapshot:
            parts.append(self._traffic(self.snapshot))
        if self.now:
            title, since = self.now
            parts.append(
                Text.assemble(("● ", "yellow"), title, (f"  {time.monotonic() - since:.0f} s", "cyan"))
            )
        return Group(*parts)

    def _traffic(self, snapshot: Snapshot) -> RenderableType:
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for column in ("", "", "split", "orders", "errors"):
            table.add_column(column, justify="right" if column else "left", min_width=7)
        for arm in (snapshot.stable, snapshot.canary):
            table.add_row(*_row(arm))
        said = Text.assemble(
            "stage ",
            (snapshot.stage or "none", "bold"),
            "   customers saw ",
            (f"{self.load.failed}", "red" if self.load.failed else "green"),
            f" failed of {self.load.sent} orders",
        )
        alerts = Text("   ").join(
            Text(f"{alert.name} {alert.state}", "bold red" if alert.state == "firing" else "yellow")
            for alert in snapshot.alerts
        )
        title = f"checkout · {time.monotonic() - self.began:3.0f} s"
        return Panel(Group(table, said, alerts or Text("no alert", "dim")), title=title, title_align="left")


def _row(arm: Arm) -> tuple[RenderableType, ...]:
    bad = arm.errors is not None and arm.errors > 0.01
    return (
        arm.name,
        Bar(1, 0, arm.share, width=30, color="green" if arm.name == "stable" else "yellow"),
        f"{arm.share:.0%}",
        str(arm.requests),
        Text(ratio(arm.errors), "bold red" if bad else "green" if arm.errors is not None else "dim"),
    )


def split_of(snapshot: Snapshot) -> str:
    """`90/10`: the shares of stable and canary in percent, as HAProxy holds them."""
    return f"{100 * snapshot.stable.share:.0f}/{100 * snapshot.canary.share:.0f}"


def ratio(value: float | None) -> str:
    """A ratio for people; what is not known is said to be unknown."""
    return "unknown" if value is None else f"{value:.1%}"


def screen(*, plain: bool) -> Plain | Drawn:
    """Drawn where a person looks on, plain where a machine does."""
    console = Console(file=sys.stdout)
    return Plain(console) if plain or not console.is_terminal else Drawn(console)
