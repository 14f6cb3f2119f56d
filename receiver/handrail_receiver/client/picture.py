"""How a rollout is now → a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from handrail_receiver.client.watched_lines import figures, fires, headline, limits, split
from handrail_receiver.words.incident_words import open_incident
from handrail_receiver.words.requirements import whether_met

FRAME = 6
"""How many columns of a frame its headline has not."""
WELL, ILL = "within its limits", "fires"
COLOURS = {
    "complete": "green",
    "rolled-back": "red",
    "rolling-back": "red",
    "held": "yellow",
    "abandoned": "yellow",
}


NARROW = 60
"""How many columns a table of guardrails needs: with fewer its words would be broken."""


@dataclass(frozen=True)
class Picture:
    """All of it; `problem` says why it may be old. It is drawn for the width there is.

    In a terminal that is too low for all of it, limits and guardrails within them are left out: what fires, the gate and
    the time come below them, and a terminal cuts off what is last.
    """

    said: Mapping[str, Any]
    problem: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As a panel; its headline is inside where it is too long for the frame."""
        whole = self._panel(options.max_width, brief=False)
        too_high = console.is_terminal and len(console.render_lines(whole, options)) > options.max_height
        yield self._panel(options.max_width, brief=True) if too_high else whole

    def _panel(self, width: int, *, brief: bool) -> Panel:
        said, text = self.said, headline(self.said)
        inside = len(text) > width - FRAME
        parts = _parts(said, self.problem, narrow=width < NARROW, brief=brief)
        return Panel(
            Group(*([Text(text, style="bold"), Text()] if inside else []), *parts),
            title=Text(said["rollout"] if inside else text),
            title_align="left",
            border_style=COLOURS.get(said["phase"], "cyan"),
        )


def _parts(said: Mapping[str, Any], problem: str, *, narrow: bool, brief: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(line, style="bold red") for line in said.get("guard_problems", ())]
    parts += [
        Text(f"{open_incident(one)}", style="" if one["acknowledged_at"] else "bold red")
        for one in said.get("incidents", ())
    ]
    parts += [Text(said["waits_for"]), Text()]
    if said["guardrails"] and brief:
        parts += [*_in_brief(said), Text()]
    elif said["guardrails"]:
        parts += [_listed(said) if narrow else _guardrails(said), Text()]
    parts.append(Text(f"traffic  {split(said)}"))
    parts.append(Text(f"fires    {fires(said)}", style="" if said["fires"] == [] else "bold red"))
    parts += [Text(said[about], style="yellow") for about in ("unknown", "other_rules") if said[about]]
    parts += [_gate(said["gate"])] if said["gate"] and said["gate"]["asks"] else []
    at = said["at"][:19].replace("T", " ") + " UTC"
    parts.append(
        Text(f"{problem}; what you see is of {at}", style="bold red") if problem else Text(at, style="dim")
    )
    return parts


def _listed(said: Mapping[str, Any]) -> RenderableType:
    """The guardrails one below the other."""
    lines = []
    for one in said["guardrails"]:
        lines.append(Text.assemble(f"{one['name']}: ", _verdict(one)))
        lines += [Text(f"  {text}") for text in (figures(one), *limits(one).split("; ")) if text]
    return Group(*lines)


def _in_brief(said: Mapping[str, Any]) -> Iterator[Text]:
    """A line for each guardrail that is not within its limits, and how many are."""
    others = [one for one in said["guardrails"] if one["verdict"] != WELL]
    for one in others:
        yield Text.assemble(f"{one['name']}: ", _verdict(one), f": {figures(one)}")
    well = len(said["guardrails"]) - len(others)
    if well:
        yield Text(f"{well} {'is' if well == 1 else 'are'} within {'its' if well == 1 else 'their'} limits")


def _verdict(one: Mapping[str, Any]) -> Text:
    verdict = one["verdict"]
    style = "green" if verdict == WELL else "bold red" if verdict.startswith(ILL) else "yellow"
    return Text(verdict, style=style)


def _guardrails(said: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("guardrail", "now", "limits", "verdict"):
        table.add_column(column, overflow="fold")
    for one in said["guardrails"]:
        table.add_row(*map(Text, (one["name"], figures(one), limits(one))), _verdict(one))
    return table


STYLES = {"met": "green", "not met": "yellow", "unknown": "red"}


def _gate(gate: Mapping[str, Any]) -> RenderableType:
    lines = [Text(f"gate into {gate['into']}: {'open' if gate['open'] else 'closed'}", style="bold")]
    for ask in gate["asks"]:
        word = whether_met(ask)
        text = ask["text"].removeprefix(f"{ask['name']}: ")
        lines.append(Text.assemble((f"  {word:<8} ", STYLES[word]), f"{ask['name']}: {text}"))
    return Group(*lines)
