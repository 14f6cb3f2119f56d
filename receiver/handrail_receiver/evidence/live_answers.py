"""A playbook and a stage → what its probes answer, and what the targets of the stage hold: asked now, by reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.contract import Playbook, Step, on_each_node

from handrail_receiver.errors import TargetError
from handrail_receiver.evidence.snapshot import ProbeSeen, TargetSeen
from handrail_receiver.model import Run
from handrail_receiver.outside.probes import Probes
from handrail_receiver.outside.target_readings import read_now
from handrail_receiver.ports import Target
from handrail_receiver.words.steps import what

READ_WITHIN = 10.0


@dataclass(frozen=True)
class Lookout:
    """Asks them."""

    probes: Probes
    targets: Mapping[str, Target]

    async def probed(self, playbook: Playbook) -> tuple[ProbeSeen, ...]:
        """Each probe."""
        answers = await self.probes.ask(playbook.probes)
        return tuple(
            ProbeSeen(
                name=probe.name,
                url=probe.url,
                verdict=answers[probe.name].verdict,
                text=answers[probe.name].text,
                seconds=round(answers[probe.name].seconds, 3),
            )
            for probe in playbook.probes
        )

    async def held(self, playbook: Playbook, stage: str, reduced: Run | None) -> tuple[TargetSeen, ...]:
        """The targets of the steps by which the stage was entered, or its share `reduced` since."""
        steps = next((one.enter for one in playbook.stages if one.name == stage), ())
        if stage and reduced is not None:
            steps = tuple(effect.step for effect in reduced.effects)
        return tuple(await asyncio.gather(*map(self._read, on_each_node(steps))))

    async def _read(self, step: Step) -> TargetSeen:
        reading = await read_now(self.targets, step, READ_WITHIN)
        if isinstance(reading, TargetError):
            return TargetSeen(step=what(step), as_asked=None, text=str(reading))
        return TargetSeen(step=what(step), as_asked=reading.done, text=reading.found)
