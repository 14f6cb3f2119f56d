"""The playbook of an attempt and the newest one → what changes, a line each; and the steps, pinned. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.contract import Playbook, Step

from handrail_receiver.model import Attempt

MOST = 20
NAMED = ("name", "tier", "into", "reference", "role", "kind")
"""What tells the parts of a list apart, as people know them."""


def changes_between(before: Playbook | None, after: Playbook) -> tuple[str, ...]:
    """What is different, with at most MOST lines; empty when nothing is."""
    if before is None:
        return ("the attempt has no playbook of its own yet",)
    if before == after:
        return ()
    changes = list(_different("", before.model_dump(mode="json"), after.model_dump(mode="json")))
    more = [f"and {len(changes) - MOST} more"] if len(changes) > MOST else []
    return tuple(changes[:MOST] + more)


def pinned_anew(
    attempt: Attempt, newest: Playbook, rehearsed: Mapping[str, tuple[Step, ...]]
) -> dict[str, tuple[Step, ...]]:
    """The newest steps: with what was pinned at the start where a step is the same, else as they were rehearsed now."""
    return {
        action.name: tuple(
            _kept(attempt, step, now)
            for step, now in zip(action.steps, rehearsed.get(action.name, action.steps), strict=True)
        )
        for action in newest.actions
        if action.steps
    }


def _kept(attempt: Attempt, step: Step, rehearsed: Step) -> Step:
    for action in attempt.playbook.actions if attempt.playbook else ():
        pinned = attempt.pinned.get(action.name, ())
        for written, filled in zip(action.steps, pinned, strict=False):
            if written == step:
                return filled
    return rehearsed


def _different(place: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _different(f"{place} {key}".strip(), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(place, before, after)
    else:
        yield f"{place}: {_short(before)} → {_short(after)}"


def _lists(place: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    old, new = _by_name(before), _by_name(after)
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"{place} {name}: gone"
        elif name not in old:
            yield f"{place} {name}: new"
        else:
            yield from _different(f"{place} {name}", old[name], new[name])


def _by_name(parts: list[Any]) -> dict[str, Any]:
    """The parts of a list by what people call them, by their place where two are called the same."""
    named: dict[str, Any] = {}
    for place, part in enumerate(parts, 1):
        names = [str(part[key]) for key in NAMED if part.get(key)] if isinstance(part, dict) else []
        name = names[0] if names else str(place)
        named[f"{name} {place}" if name in named else name] = part
    return named


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
