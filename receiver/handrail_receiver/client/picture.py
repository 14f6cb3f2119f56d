"""How a rollout is now → a table in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from handrail_receiver.client.watched_lines import figures, fires, headline, limits, split
from handrail_receiver.words.incident_words import open_incident

WELL, ILL = "within its limits", "fires"
COLOURS = {
    "complete": "green",
    "rolled-back": "red",
    "rolling-back": "red",
    "held": "yellow",
    "abandoned": "yellow",
}


def picture(said: Mapping[str, Any], problem: str) -> RenderableType:
    """All of it; `problem` says why it may be old."""
    parts: list[RenderableType] = [
        Text(f"{open_incident(one)}", style="" if one["acknowledged_at"] else "bold red")
        for one in said.get("incidents", ())
    ]
    parts += [Text(said["waits_for"]), Text()]
    parts += [_guardrails(said), Text()] if said["guardrails"] else []
    parts.append(Text(f"traffic  {split(said)}"))
    parts.append(Text(f"fires    {fires(said)}", style="" if said["fires"] == [] else "bold red"))
    parts += [Text(said[about], style="yellow") for about in ("unknown", "other_rules") if said[about]]
    parts += [_gate(said["gate"])] if said["gate"] and said["gate"]["asks"] else []
    at = said["at"][:19].replace("T", " ") + " UTC"
    parts.append(
        Text(f"{problem}; what you see is of {at}", style="bold red") if problem else Text(at, style="dim")
    )
    colour = COLOURS.get(said["phase"], "cyan")
    return Panel(Group(*parts), title=Text(headline(said)), title_align="left", border_style=colour)


def _guardrails(said: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("guardrail", "now", "limits", "verdict"):
        table.add_column(column, overflow="fold")
    for one in said["guardrails"]:
        verdict = one["verdict"]
        style = "green" if verdict == WELL else "bold red" if verdict.startswith(ILL) else "yellow"
        table.add_row(*map(Text, (one["name"], figures(one), limits(one))), Text(verdict, style=style))
    return table


def _gate(gate: Mapping[str, Any]) -> RenderableType:
    lines = [Text(f"gate into {gate['into']}: {'open' if gate['open'] else 'closed'}", style="bold")]
    for ask in gate["asks"]:
        word, style = (
            ("met", "green") if ask["met"] else ("missing", "yellow") if ask["known"] else ("unknown", "red")
        )
        text = ask["text"].removeprefix(f"{ask['name']}: ")
        lines.append(Text.assemble((f"  {word:<8} ", style), f"{ask['name']}: {text}"))
    return Group(*lines)
