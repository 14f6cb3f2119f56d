"""Plan → {path: text}: the emitters, in the order their files appear. Each knows the plan and no other emitter."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
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
from handrail.texts import Texts

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


def silent(_: str) -> None:
    """Hears of progress and does nothing."""


def emit(plan: Plan, ready: Files | None = None, tell: Callable[[str], None] = silent) -> Texts:
    """Every generated file by its path; unit tests that are `ready` are not made again.

    `tell` hears what is being made where that takes long.
    Raises ValueError when two emitters claim one path.
    """
    files = Texts(ready)
    for emitter in EMITTERS:
        _add(files, emitter(plan))
    untested = [rollout for rollout in plan.rollouts if names.tests_file(rollout.name) not in files]
    for number, rollout in enumerate(untested, 1):
        tell(f"unit tests of {rollout.name} ({number} of {len(untested)})")
        _add(files, promtool.emit(replace(plan, rollouts=(rollout,))))
    for carrier in CARRIERS:
        _add(files, carrier(plan, files))
    return files


def _add(files: Texts, more: Files) -> None:
    for path in files.keys() & more.keys():
        raise ValueError(f"two emitters write {path}")
    files.update(more)


def sources_of(paths: Iterable[str], plan: Plan) -> dict[str, str]:
    """Each file's declaration: that of the rollout whose name its own begins with, or all of them."""
    known = {rollout.name: rollout.source for rollout in plan.rollouts}
    return {path: _source(path.rpartition("/")[2].partition(".")[0], known, plan.source) for path in paths}


def _source(stem: str, known: Mapping[str, str], every: str) -> str:
    """`relay-r1-rls` is a page of `relay-r1`, if there is no rollout of just that name."""
    while stem and stem not in known:
        stem = stem.rpartition("-")[0]
    return known.get(stem, every)


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
