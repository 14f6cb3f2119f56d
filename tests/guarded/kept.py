"""An executor and what it needs of a store, in memory: for tests of how steps are carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handrail.contract import Step
from handrail_receiver.execute.executor import Executor
from handrail_receiver.execute.rates import Rates
from handrail_receiver.model import Effect, Progress, Run, RunState
from handrail_receiver.outside.prometheus import NoPrometheus, Queryable
from handrail_receiver.ports import Clock, Fence, Runs, Target

from .alerts import NOW


@dataclass
class Kept:
    """The result of a run."""

    progress: list[Progress] = field(default_factory=list)

    async def lease(self, _owner: str, _at: datetime, _lasting: timedelta) -> list[Run]:
        return []

    async def record(self, _run: Run, progress: Progress, _at: datetime) -> None:
        self.progress.append(progress)

    async def renew(self, _run: Run, _lasting: timedelta) -> None:
        pass


class Unfenced:
    """Nobody else works on it, and nothing was under way before."""

    async def hold(self, _run: Run) -> None:
        pass

    async def settles_at(self, _run: Run) -> None:
        return None


@dataclass(frozen=True)
class Still:
    """A clock that stands."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def executor_of(
    target: Target,
    kept: Runs,
    *,
    prometheus: Queryable | None = None,
    clock: Clock | None = None,
    stopped: Callable[[], bool] = lambda: False,
    fence: Fence | None = None,
    on_end: Callable[[Run], None] = lambda _: None,
) -> Executor:
    """One whose only target runs commands, and which tells nobody."""
    clock = clock or Still()
    return Executor(
        {"command": target},
        kept,
        prometheus or NoPrometheus(),
        clock,
        Rates(clock, 60),
        str,
        lambda *_: (),
        stopped,
        fence or Unfenced(),
        on_end,
    )


def run_of(steps: Sequence[Step], action: str = "rollback", number: int = 1, **more: Any) -> Run:
    """An open run of these steps in the first attempt."""
    effects = tuple(Effect(place, step) for place, step in enumerate(steps))
    return Run(
        number,
        1,
        "shop",
        action,
        "",
        0,
        RunState.open,
        "alert",
        "why",
        NOW,
        NOW,
        NOW,
        effects=effects,
        **more,
    )
