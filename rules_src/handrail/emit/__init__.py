"""A rollout of the plan → {path: text}, and what rollouts have in common → {path: text}: the emitters.

Each knows the plan and no other emitter. The files of one rollout need nothing of another, so that one rollout
after another can be made, written down and let go; what must know them all gets the little that is common to them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import cache
from pathlib import Path

from handrail.emit import (
    alertmanager,
    exporters,
    grafana,
    kubernetes,
    playbook,
    prometheus,
    promtool,
    provisioning,
    rules,
    runbooks,
)
from handrail.plan import Common, Environment, Rollout

Files = Mapping[str, str]
Emitter = Callable[[Rollout, Environment], Files]
Carrier = Callable[[Rollout, Environment, Files], Files]

EMITTERS: tuple[Emitter, ...] = (
    rules.emit,
    grafana.emit,
    runbooks.emit,
    playbook.emit,
    exporters.emit,
)

CARRIERS: tuple[Carrier, ...] = (kubernetes.emit,)
"""What carries files of the others to another place: called with all that they wrote of the rollout."""

COMMON: tuple[Callable[[Common], Files], ...] = (
    prometheus.emit,
    alertmanager.emit,
    provisioning.emit,
)


def emit(rollout: Rollout, environment: Environment, tested: Files | None = None) -> dict[str, str]:
    """Every file of a rollout by its path; unit tests that are `tested` already are not made again.

    Raises ValueError when two emitters claim one path.
    """
    files: dict[str, str] = {}
    for emitter in EMITTERS:
        add(files, emitter(rollout, environment))
    add(files, tested or promtool.emit(rollout, environment))
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
    for path in files.keys() & more.keys():
        raise ValueError(f"two emitters write {path}")
    files.update(more)


def made_from(rollout: Rollout) -> dict[str, str]:
    """By path the fingerprint of everything that a rollout's unit tests are made from: it and their emitter.

    Playing all scenarios through takes longer than everything else together; where nothing changed, the file of
    last time is the file.
    """
    # Where it was written matters to messages only, and is seen differently from another folder.
    facts = re.sub(r"Where\(file='[^']*', line=\d+\)", "", repr(rollout))
    fingerprint = hashlib.sha256(f"{_package()}{facts}".encode()).hexdigest()
    return dict.fromkeys(promtool.paths(rollout), fingerprint)


@cache
def _package() -> str:
    """What makes the tests out of a rollout: the promtool emitter and the modules it stands on."""
    here = Path(__file__).parent
    sources = [*here.glob("promtool/*.py"), here / "document.py", *here.parent.glob("plan/*.py")]
    sources += [here.parent / f"{name}.py" for name in ("names", "units", "wording")]
    sources += (here.parent / "promql").glob("*.py")
    return hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()
