"""Plan → {path: text}: the emitters, in the order their files appear. Each knows the plan and no other emitter."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from handrail import names
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
from handrail.plan import Plan, Rollout

Files = Mapping[str, str]
Emitter = Callable[[Plan], Files]
Carrier = Callable[[Plan, Files], Files]

EMITTERS: tuple[Emitter, ...] = (
    rules.emit,
    prometheus.emit,
    alertmanager.emit,
    grafana.emit,
    runbooks.emit,
    playbook.emit,
    exporters.emit,
)

CARRIERS: tuple[Carrier, ...] = (kubernetes.emit,)
"""What carries files of the others to another place: called with all that they wrote."""


def emit(plan: Plan, ready: Files | None = None) -> dict[str, str]:
    """Every generated file by its path; unit tests that are `ready` are not made again.

    Raises ValueError when two emitters claim one path.
    """
    files: dict[str, str] = dict(ready or {})
    for emitter in EMITTERS:
        _add(files, emitter(plan))
    untested = tuple(rollout for rollout in plan.rollouts if names.tests_file(rollout.name) not in files)
    _add(files, promtool.emit(replace(plan, rollouts=untested)))
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


def made_from(plan: Plan) -> dict[str, str]:
    """The fingerprint of everything that each rollout's unit tests are made from: the rollout and their emitter.

    Playing all scenarios through takes longer than everything else together; where nothing changed, the file of
    last time is the file.
    """
    return {names.tests_file(rollout.name): _fingerprint(rollout) for rollout in plan.rollouts}


def _fingerprint(rollout: Rollout) -> str:
    # Where it was written matters to messages only, and is seen differently from another folder.
    facts = re.sub(r"Where\(file='[^']*', line=\d+\)", "", repr(rollout))
    return hashlib.sha256(f"{_package()}{facts}".encode()).hexdigest()


@cache
def _package() -> str:
    """What makes the tests out of a rollout: the promtool emitter and the modules it stands on."""
    here = Path(__file__).parent
    sources = [*here.glob("promtool/*.py"), here / "document.py", *here.parent.glob("plan/*.py")]
    sources += [here.parent / f"{name}.py" for name in ("conditions", "names", "promql", "units", "wording")]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()
