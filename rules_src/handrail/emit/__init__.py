"""Plan → {path: text}: the emitters, in the order their files appear. Each knows the plan and no other emitter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail.emit import alertmanager, exporters, playbook, prometheus, rules
from handrail.plan import Plan

Files = Mapping[str, str]
Emitter = Callable[[Plan], Files]

EMITTERS: tuple[Emitter, ...] = (
    rules.emit,
    prometheus.emit,
    alertmanager.emit,
    playbook.emit,
    exporters.emit,
)


def emit(plan: Plan) -> dict[str, str]:
    """Every generated file by its path. Raises ValueError when two emitters claim one path."""
    files: dict[str, str] = {}
    for emitter in EMITTERS:
        for path, text in emitter(plan).items():
            if path in files:
                raise ValueError(f"two emitters write {path}")
            files[path] = text
    return dict(sorted(files.items()))


def source_of(path: str, plan: Plan) -> str:
    """The declaration behind a file: its rollout's, or all of them."""
    stem = path.rpartition("/")[2].partition(".")[0]
    owners = [r.source for r in plan.rollouts if stem == r.name or stem.startswith(f"{r.name}-")]
    return owners[-1] if owners else plan.source
