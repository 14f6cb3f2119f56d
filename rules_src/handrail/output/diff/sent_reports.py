"""A playbook as it was written → when its reports are sent and to whom, and what is declared for them and linked, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.contract import names


def reported(playbook: Mapping[str, Any]) -> tuple[str, ...]:
    """All of it; older playbooks have none."""
    return tuple(_reported(playbook))


def _reported(playbook: Mapping[str, Any]) -> Iterator[str]:
    report = playbook.get("report") or {}
    zone, weekly = report.get("zone", "UTC"), report.get("weekly")
    times = {"daily": report.get("daily"), "weekly": weekly and f"{names.DAYS[weekly['day']]} {weekly['at']}"}
    for tell in report.get("tell", ()):
        channel = tell["channel"]
        to = f"{channel['kind']} {channel.get('channel') or channel.get('to') or channel.get('url')}"
        yield from (f"{kind} at {at} ({zone}) to {to}" for kind, at in times.items() if at)
    if report and not report.get("tell") and zone != "UTC":
        yield f"days begin in {zone}"
    for figure in playbook.get("figures", ()):
        if figure["source"] == "declared":
            yield f"{figure['name']}: {figure['expr']}"
    yield from (f"{name}: {day}" for name, day in report.get("upcoming", ()))
    for word, shown in (
        ("daily", "daily_sections"),
        ("weekly", "weekly_sections"),
        ("guardrails", "guardrails"),
    ):
        if report.get(shown):
            yield f"{word}: {', '.join(report[shown])}"
    yield from (
        f"link to the dashboard {one['title']}, {one['url']}" for one in playbook.get("dashboards", ())
    )
