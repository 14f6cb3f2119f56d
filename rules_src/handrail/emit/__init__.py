"""A rollout of the plan → {path: text}, and what rollouts have in common → {path: text}: the emitters.

Each knows the plan and no other emitter. The files of one rollout need nothing of another, so that rollouts are compiled
one by one; files about all of them get only what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

from handrail.emit import (
    alertmanager,
    compose,
    exporters,
    grafana,
    kubernetes,
    mimir,
    playbook_json,
    prometheus,
    promtool,
    provisioning,
    rules,
    runbooks,
)
from handrail.emit.kubernetes import receiver
from handrail.plan import Common, Environment, Rollout

Files = Mapping[str, str]
Emitter = Callable[[Rollout, Environment], Files]
Carrier = Callable[[Rollout, Environment, Files], Files]

EMITTERS: tuple[Emitter, ...] = (
    rules.emit,
    mimir.emit,
    promtool.emit,
    grafana.emit,
    runbooks.emit,
    playbook_json.emit,
    exporters.emit,
)

CARRIERS: tuple[Carrier, ...] = (kubernetes.emit, receiver.playbook)
"""Emitters that embed other emitters' files: called with all files of the rollout so far."""

COMMON: tuple[Callable[[Common], Files], ...] = (
    prometheus.emit,
    alertmanager.emit,
    provisioning.emit,
    receiver.emit,
    compose.emit,
)


def emit(rollout: Rollout, environment: Environment) -> dict[str, str]:
    """Every file of a rollout by its path; raises ValueError when two emitters claim one path."""
    files: dict[str, str] = {}
    for emitter in EMITTERS:
        add(files, emitter(rollout, environment))
    for carrier in CARRIERS:
        add(files, carrier(rollout, environment, files))
    return files


def emit_common(common: Common) -> dict[str, str]:
    """Every file that belongs to no single rollout; raises ValueError as `emit` does."""
    files: dict[str, str] = {}
    for emitter in COMMON:
        add(files, emitter(common))
    return files


def add(files: MutableMapping[str, str], more: Files) -> None:
    """Put `more` beside `files`; raises ValueError when both have a path."""
    for path in more:
        if path in files:
            raise ValueError(f"two emitters write {path}")
    files.update(more)
