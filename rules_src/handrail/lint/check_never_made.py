"""check-never-made: a check or a load burst comes after its stage is over, hides another one, or a gate asks for checks that nobody declared.

`Stage("10%", bake="1h", checks=["2h"])` is left after an hour, and its check is never made. With two checks of the same
name in one stage, nobody could say which one was answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from handrail.base.places import PathStep
from handrail.declare import Check, Gate, LoadBurst, Rollout, Stage
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import duration, span

NAME = "check-never-made"
_Moment = str | Check | LoadBurst


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every stage, and what is made in every one of them."""
    for stage in rollout.stages:
        for field, several in (("checks", stage.checks), ("bursts", stage.bursts)):
            for place, one in enumerate(several):
                yield from _late(stage, one, field, place)
        yield from _twice(rollout, stage)
        yield from _twice_in(stage.bursts, stage, stage)
    yield from _too_late_for_all(rollout)
    yield from _asked_in_vain(rollout)


def _late(stage: Stage, one: _Moment, field: str, place: int) -> Iterator[Finding]:
    takes = _takes(stage)
    if takes is not None and duration(_at(one)) > takes:
        what = f"{_named(one)} of stage '{stage.name}' comes after {_at(one)}, and the stage may be left after {span(takes)}"
        cure = "give it an earlier moment, or lengthen bake="
        yield _finding(stage, one, (field, place), what, cure)


def _too_late_for_all(rollout: Rollout) -> Iterator[Finding]:
    known = [_takes(stage) for stage in rollout.stages]
    longest = max((takes for takes in known if takes is not None), default=None)
    if longest is None or None in known:
        return
    for place, one in enumerate(rollout.checks):
        if duration(_at(one)) > longest:
            what = f"{_named(one)} comes after {_at(one)}, and no stage lasts longer than {span(longest)}"
            cure = "give it an earlier moment, or leave it out"
            yield _finding(rollout, one, ("checks", place), what, cure)


def _twice(rollout: Rollout, stage: Stage) -> Iterator[Finding]:
    yield from _twice_in((*rollout.checks, *stage.checks), stage, rollout)


def _twice_in(several: Sequence[_Moment], stage: Stage, holder: object) -> Iterator[Finding]:
    seen: set[str] = set()
    for one in several:
        name = _label(one)
        if name in seen:
            what = f"stage '{stage.name}' has two of {_named(one)}"
            at = holder if isinstance(one, str) else one
            yield finding(
                NAME, at, what, "leave one out, or give it a name of its own", severity=Severity.fatal
            )
        seen.add(name)


def _asked_in_vain(rollout: Rollout) -> Iterator[Finding]:
    left: list[Stage | None] = [None, *rollout.stages]
    gates: list[Gate | None] = [stage.gate for stage in rollout.stages] + [rollout.complete]
    for stage, gate in zip(left, gates, strict=False):
        if gate is None or gate.checks is None:
            continue
        if stage is None:
            what = "the gate into the first stage asks for checks, and none is made before it"
            yield finding(NAME, gate, what, "leave checks= out", "checks")
        elif not (rollout.checks or stage.checks or stage.bursts):
            what = f"a gate asks for the checks of stage '{stage.name}', which has none"
            yield finding(NAME, gate, what, "declare checks= for the stage, or leave it out", "checks")


def _takes(stage: Stage) -> timedelta | None:
    """How long it lasts at the most before it may be left; None: as long as it takes."""
    if stage.bake is None:
        return None
    parts = (stage.warm_up, stage.bake, stage.prolong)
    return sum((duration(part) for part in parts if part), start=duration("0s"))


def _at(one: _Moment) -> str:
    return one if isinstance(one, str) else one.at


def _label(one: _Moment) -> str:
    return (None if isinstance(one, str) else one.name) or f"T+{span(duration(_at(one)))}"


def _named(one: _Moment) -> str:
    return f"{'load burst' if isinstance(one, LoadBurst) else 'check'} '{_label(one)}'"


def _finding(holder: object, one: _Moment, place: tuple[PathStep, ...], what: str, cure: str) -> Finding:
    at, path = (holder, place) if isinstance(one, str) else (one, ("at",))
    return finding(NAME, at, what, cure, *path)
