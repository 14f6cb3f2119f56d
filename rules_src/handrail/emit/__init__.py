"""Plan → {path: text}: the emitters, in the order their files appear. Each knows the plan and no other emitter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail.emit import (
    alertmanager,
    exporters,
    grafana,
    kubernetes,
    playbook,
    prometheus,
    promtool,
    rules,
    runbooks,
)
from handrail.plan import Plan

Files = Mapping[str, str]
Emitter = Callable[[Plan], Files]
Carrier = Callable[[Plan, Files], Files]

EMITTERS: tuple[Emitter, ...] = (
    rules.emit,
    promtool.emit,
    prometheus.emit,
    alertmanager.emit,
    grafana.emit,
    runbooks.emit,
    playbook.emit,
    exporters.emit,
)

CARRIERS: tuple[Carrier, ...] = (kubernetes.emit,)
"""What carries files of the others to another place: called with all that they wrote."""


def emit(plan: Plan) -> dict[str, str]:
    """Every generated file by its path. Raises ValueError when two emitters claim one path."""
    files: dict[str, str] = {}
    for emitter in EMITTERS:
        _add(files, emitter(plan))
    for carrier in CARRIERS:
        _add(files, carrier(plan, files))
    return dict(sorted(files.items()))


def _add(files: dict[str, str], more: Files) -> None:
    for path in files.keys() & more.keys():
        raise ValueError(f"two emitters write {path}")
    files.update(more)


def source_of(path: str, plan: Plan) -> str:
    """The declaration behind a file: its rollout's, or all of them."""
    stem = path.rpartition("/")[2].partition(".")[0]
    owners = [r.source for r in plan.rollouts if stem == r.name or stem.startswith(f"{r.name}-")]
    return owners[-1] if owners else plan.source
