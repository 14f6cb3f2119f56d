"""Command → a program of the playbook run once, and another that says by its exit code whether it is done.

This is how the platforms' own tools (`fly`, `railway`, …) roll back.
"""

from __future__ import annotations

import shlex
import shutil
import signal
from collections.abc import Sequence

from handrail.contract import Command

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import LONGEST_QUOTE, Outside, within
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.process import Finished, inherited, run
from handrail_receiver.targets.rehearsal import rehearsed

# Exit codes that mean something everywhere (sysexits.h and the shells); any other failure may pass.
PERMANENT = {
    64: Cause.invalid,
    77: Cause.refused,
    78: Cause.invalid,
    126: Cause.refused,
    127: Cause.missing,
}
RETRYABLE = {69: Cause.unreachable, 75: Cause.busy}


class Commands:
    """Programs on the receiver's own machine."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: Command) -> Rehearsal:
        """Check that the programs are here and may be run; run the one that reads, and the one that says it can be done."""
        return await rehearsed(
            step, self._checks, lambda pinned: self._outside.clean(shlex.join(pinned.argv))
        )

    async def read(self, step: Command) -> Reading:
        """Run `read`: 0 says done, 1 to 125 say not done, anything else says nothing."""
        finished = await self._run(step, step.read)
        if finished.code < 0 or finished.code in {126, 127}:
            raise self._failure(step.read, finished)
        return Reading(done=finished.code == 0, found=self._told(step.read, finished))

    async def act(self, step: Command) -> None:
        """Run `argv`; Permanent for the exit codes that say so, Retryable for every other one but 0."""
        finished = await self._run(step, step.argv)
        if finished.code != 0:
            raise self._failure(step.argv, finished)

    async def _run(self, step: Command, argv: Sequence[str]) -> Finished:
        environment = inherited() | {
            name: self._outside.secrets.value(secret) for name, secret in step.environment.items()
        }
        async with within(step.timeout, argv[0]):
            return await run(argv, environment=environment)

    async def _checks(self, step: Command) -> tuple[Command, str]:
        places = [_found(argv[0]) for argv in (step.argv, step.read, step.can or step.read)]
        ready = f"{places[0]} can be run; {(await self.read(step)).found}"
        if step.can is None:
            return step, ready
        finished = await self._run(step, step.can)
        told = self._told(step.can, finished)
        if finished.code != 0:
            raise Permanent(Cause.refused, f"{told}, so the rollback would not be taken; fix what it says")
        return step, f"{ready}; {told}"

    def _failure(self, argv: Sequence[str], finished: Finished) -> TargetError:
        told = self._told(argv, finished)
        if finished.code in PERMANENT:
            return Permanent(PERMANENT[finished.code], told)
        return Retryable(RETRYABLE.get(finished.code, Cause.broken), told)

    def _told(self, argv: Sequence[str], finished: Finished) -> str:
        """How a program ended and the last it said, standard error after standard output."""
        said = self._outside.clean(
            f"{finished.out.decode(errors='replace')} {finished.err.decode(errors='replace')}"
        )
        ended = (
            f"exited with {finished.code}"
            if finished.code >= 0
            else f"was ended by {_signal(-finished.code)}"
        )
        return f"{argv[0]} {ended}" + (f": {said[-LONGEST_QUOTE:]}" if said else "")


def _found(program: str) -> str:
    place = shutil.which(program)
    if place is None:
        raise Permanent(
            Cause.missing, f"{program} is not here or may not be run; install it where the receiver runs"
        )
    return place


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
