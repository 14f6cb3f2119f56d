"""Prometheus asked for a page: where the past cannot be computed, the present is known anyway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from guarded import NOW
from guarded.playbook import tier
from guarded.recorded import limit, limited_playbook
from handrail.contract import GuardrailFacts, Playbook, names
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.model import History
from handrail_receiver.outside.prometheus import Sample
from handrail_receiver.outside.prometheus_history import LoadedRules, Series, Span
from handrail_receiver.view_models.guardrail_plots import Window
from handrail_receiver.web.watching import Watching

pytestmark = pytest.mark.anyio
WINDOW = Window(NOW, NOW + timedelta(hours=1))
VALUE = {"__name__": names.VALUE, names.GUARDRAIL: "error-rate"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def against_the_past() -> Playbook:
    past = limit("1.5", "above it").model_copy(update={"reference": "the figure of 1d ago", "past": "broken"})
    tiers = (tier("error-rate", "warning", "investigate", limits=(past,)),)
    return limited_playbook(guardrails=(GuardrailFacts(name="error-rate", tiers=tiers),))


class Computes:
    """A Prometheus that computes all but what is broken."""

    def __init__(self) -> None:
        self.asked = 0

    async def samples(self, expr: str) -> list[Sample]:
        self._refuse(expr)
        return [Sample(0.5, VALUE)]

    async def series(self, expr: str, span: Span) -> list[Series]:
        self._refuse(expr)
        return [Series(VALUE, ((span.start.timestamp(), "0.5"),))]

    async def values(self, expr: str) -> list[float]:
        return [sample.value for sample in await self.samples(expr)]

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:
        raise NotImplementedError(f"no page asks for {groups}")

    def _refuse(self, expr: str) -> None:
        self.asked += 1
        if "broken" in expr:
            raise Permanent(Cause.invalid, "many-to-many")


@pytest.mark.parametrize(
    ("book", "questions"), [(limited_playbook(), 1), (against_the_past(), 2)], ids=["no past", "past"]
)
async def test_a_past_that_cannot_be_computed_is_left_out(book: Playbook, questions: int) -> None:
    prometheus = Computes()
    watching = Watching(prometheus, prometheus)
    [now, *_] = (await watching.now(book, History(), NOW)).guardrails
    assert ([reading.text for reading in now.readings], prometheus.asked) == (["0.5"], questions)
    over = await watching.over(book, WINDOW)
    assert (over, prometheus.asked) == ([(VALUE, [(NOW.timestamp(), 0.5)])], 2 * questions)
