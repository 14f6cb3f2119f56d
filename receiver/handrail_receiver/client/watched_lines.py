"""How a rollout is now → plain lines, each with what it is known by, so that only what changed is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail_receiver.words.incident_words import open_incident


@dataclass(frozen=True)
class WatchedLine:
    """One line: what it is about, what must change for it to be said again, and its text."""

    about: str
    known_by: object
    text: str


def lines_of(said: Mapping[str, Any]) -> list[WatchedLine]:
    """All lines."""
    return list(_lines(said))


def changed(before: Mapping[str, object], lines: Sequence[WatchedLine]) -> list[str]:
    """The texts of those that are other than `before`."""
    return [line.text for line in lines if line.about not in before or before[line.about] != line.known_by]


def headline(said: Mapping[str, Any]) -> str:
    """`checkout: attempt 1, baking, stage 10%`."""
    if said["attempt"] is None:
        return f"{said['rollout']}: no attempt was started"
    stage = f", stage {said['stage']}" if said["stage"] else ""
    return f"{said['rollout']}: attempt {said['attempt']}, {said['phase']}{stage}"


def figures(one: Mapping[str, Any]) -> str:
    """`canary 0.12 %, stable 0.1 %`; nothing that is missing is fine."""
    told = (f"{reading['arm']} {reading['labels']}".strip() for reading in one["readings"])
    values = (reading["text"] for reading in one["readings"])
    return ", ".join(f"{who} {value}".strip() for who, value in zip(told, values, strict=True)) or "no figure"


def limits(one: Mapping[str, Any]) -> str:
    """`warning above 1 %; critical above 5 %`."""
    return "; ".join(f"{limit['tier']} {limit['text']}" for limit in one["limits"])


def fires(said: Mapping[str, Any]) -> str:
    """What fires, or that nobody knows."""
    return "unknown" if said["fires"] is None else ", ".join(said["fires"]) or "nothing"


def split(said: Mapping[str, Any]) -> str:
    """The actual split beside the one that was asked for."""
    asked = said["asked"]
    if asked is None or "asked for" in said["traffic"]:
        return str(said["traffic"])
    return f"{said['traffic']}; {asked * 100:g} % was asked for"


def missing(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What the gate ahead lacks, by name."""
    asks = said["gate"]["asks"] if said["gate"] else ()
    return tuple(ask["name"] for ask in asks if not ask["met"])


def _lines(said: Mapping[str, Any]) -> Iterator[WatchedLine]:
    at, gate = said["at"][:19].replace("T", " "), said["gate"]["into"] if said["gate"] else ""
    stage = (said["attempt"], said["stage"])
    place = (*stage, said["phase"], said["held"])
    yield WatchedLine("place", place, f"{at} {headline(said)}")
    for problem in said.get("guard_problems", ()):
        about = problem.partition(":")[0]  # behind it stands for how long, which is no news
        yield WatchedLine(about, about, f"{at}   {problem}")
    for one in said.get("incidents", ()):
        yield WatchedLine(
            f"incident {one['id']}", (one["acknowledged_at"], one["late"]), f"{at}   {open_incident(one)}"
        )
    yield WatchedLine("waits for", (place, gate, missing(said)), f"{at}   {said['waits_for']}")
    for one in said["guardrails"]:
        told = "; ".join(filter(None, (figures(one), limits(one))))
        text = f"{at}   {one['name']}: {one['verdict']}: {told}"
        yield WatchedLine(f"guardrail {one['name']}", (stage, one["verdict"]), text)
    yield WatchedLine("fires", said["fires"], f"{at}   fires: {fires(said)}")
    yield WatchedLine("traffic", stage, f"{at}   traffic: {split(said)}")
    for about in ("unknown", "other_rules"):
        if said[about]:
            yield WatchedLine(about, said[about], f"{at}   {said[about]}")
