"""What belongs to one rollout alone → where it is scraped, what it calls, what its target says, how it falls sick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from handrail.declare import Targets


@dataclass(frozen=True)
class Cast:
    """A service, its sources and its target, all running.

    `places` are the addresses that are declared and what stands for them here. `exporters` run with the generated files.
    `past` gives Prometheus, before it starts, the samples of earlier times that limits look at.
    `target` reads the share or the flag from the target itself. `sicken` makes the service sick.
    """

    scrape: Sequence[Targets]
    places: Mapping[str, str]
    target: Callable[[], str]
    sicken: Callable[[], None]
    services: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    exporters: Callable[[Path], AbstractContextManager[object]] = nullcontext
    past: Callable[[], None] | None = None


@dataclass(frozen=True)
class Played:
    """A rollout's name, what runs around it, and what must be seen.

    `shares` is what the target says before, in each stage, and after a rollback. `pages` are the alerts of
    which the first one rolls it back, and `sick_in` is the stage in which its service falls sick. Stages are `stages` times shorter than all else.
    """

    name: str
    runs: Callable[[Path], AbstractContextManager[Cast]]
    shares: Mapping[str, str]
    before: str
    sick_in: str
    pages: frozenset[str]
    stages: int
    faster: int = 60
    known: bool = False
    """Whether the service has run for a whole window before: what is captured at the start needs one."""
