"""A playbook as it was written → what is looked at while a stage lasts, and what its gates ask people, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from handrail.units import span


def looked_at(playbook: Mapping[str, Any]) -> tuple[str, ...]:
    """Checks, probes and load bursts; older playbooks have the times of checks alone."""
    return tuple(_looked_at(playbook))


def _looked_at(playbook: Mapping[str, Any]) -> Iterator[str]:
    for one in playbook["checks"]:
        yield _check({"at": one} if isinstance(one, int | float) else one)
    if every := playbook.get("checks_while_firing"):
        yield f"a check every {_time(every)} while anything fires"
    for probe in playbook.get("probes", ()):
        yield f"probe {probe['name']}: {_rest(probe, 'name')}"
    for burst in playbook.get("bursts", ()):
        yield f"load burst after {_time(burst['at'])} in stage {burst['stage']}: {_rest(burst, 'at', 'stage')}"


def _check(check: Mapping[str, Any]) -> str:
    name = f" ({check['name']})" if check.get("name") else ""
    stage = f" in stage {check['stage']}" if check.get("stage") else ""
    told = [str(one["channel"]) for one in check.get("tell", ())]
    return f"check after {_time(check['at'])}{name}{stage}" + (f", sent to {', '.join(told)}" if told else "")


def _rest(thing: Mapping[str, Any], *without: str) -> str:
    return ", ".join(f"{key} {value}" for key, value in thing.items() if key not in without and value)


def asked_of_people(gate: Mapping[str, Any]) -> tuple[str, ...]:
    """The questions of a gate, and of the checks before it; and what it asks of those themselves."""
    asked = (f"checks of the stage before: {gate['checks']}",) if gate.get("checks") else ()
    return (*gate.get("manual", ()), *(one["text"] for one in gate.get("checklist", ())), *asked)


def _time(seconds: float) -> str:
    return span(timedelta(seconds=seconds))
