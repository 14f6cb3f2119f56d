"""The name of a rollout and where it runs → the files that its stack reads, as the compiler makes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from handrail.declare import Environment, Rollout
from handrail.emit import emit_common, exporters, playbook_json, rules
from handrail.loading.load import load
from handrail.lower import lower
from handrail.plan import common_of

from end_to_end.demo.files import REPOSITORY

from .shorter import moved, shorter


@cache
def declared() -> dict[str, Rollout]:
    """The project's own rollouts, by name."""
    return {one.name: one for one in load(REPOSITORY / "rules_src").rollouts}


def write(folder: Path, name: str, here: Environment, stages: int, places: Mapping[str, str]) -> None:
    """Write below `folder` what Prometheus, Alertmanager, the exporters and the receiver read."""
    plan = lower([moved(shorter(declared()[name], stages), places)], here)
    [rollout] = plan.rollouts
    files = dict(emit_common(common_of([plan.common])))
    for emitter in (rules.emit, playbook_json.emit, exporters.emit):
        files |= emitter(rollout, plan.environment)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
