"""What Prometheus says of a criterion → whether it is met, and for how long and how much that was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from guarded import NOW
from handrail.contract import Criterion
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.gates.criteria import Criteria
from handrail_receiver.gates.gate import CriterionResult
from handrail_receiver.outside.prometheus import Sample

pytestmark = pytest.mark.anyio
STAGE = Criterion(
    guardrail="errors",
    text="below 1 %",
    expr="broken",
    seen="seen",
    judged="judged",
    over=23 * 3600 + 55 * 60,
)
MOMENT = Criterion(guardrail="errors", text="below 1 %", expr="broken", seen="seen")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Known:
    """Knows the samples of a few expressions."""

    def __init__(self, known: Mapping[str, Sequence[float]]) -> None:
        self.known = known

    async def samples(self, expr: str) -> list[Sample]:
        return [Sample(value) for value in self.known.get(expr, ())]

    async def values(self, expr: str) -> list[float]:
        return [sample.value for sample in await self.samples(expr)]


class Still:
    """A clock that stands."""

    def now(self) -> object:
        return NOW


async def answer(criterion: Criterion, **known: Sequence[float]) -> CriterionResult:
    found = await Criteria(Known(known), Still()).ask([criterion])  # type: ignore[arg-type]
    return found[criterion]


@pytest.mark.parametrize(
    ("known", "met", "text"),
    [
        ({"seen": [0.971]}, True, "held over the last 23 h 55 min, 97 % of which could be judged"),
        ({"seen": [1.0]}, True, "held over the last 23 h 55 min, 100 % of which could be judged"),
        ({"seen": [1.0], "broken": [3.0]}, False, "errors: below 1 %: broken within the last 23 h 55 min"),
        (
            {"judged": [0.899]},
            False,
            "errors: below 1 %: unknown: only 89 % of the last 23 h 55 min had data, and traffic enough, to be judged by; 90 % are asked for",
        ),
        (
            {},
            False,
            "errors: below 1 %: unknown: none of the last 23 h 55 min had data, and traffic enough, to be judged by; 90 % are asked for",
        ),
    ],
    ids=["met", "wholly", "broken", "too little", "nothing"],
)
async def test_a_stage_is_judged_with_the_share_of_it_that_was_seen(
    known: dict[str, list[float]], met: bool, text: str
) -> None:
    sure = met or "broken" in known
    assert await answer(STAGE, **known) == CriterionResult(met, text, known=sure)


async def test_a_moment_is_called_a_moment() -> None:
    assert await answer(MOMENT, seen=[0.4]) == CriterionResult(met=True, text="holds now")
    assert await answer(MOMENT, seen=[0.4], broken=[0.4]) == CriterionResult(
        met=False, text="errors: below 1 %: broken now"
    )
    unknown = "errors: below 1 %: unknown: no data, or too little traffic"
    assert await answer(MOMENT) == CriterionResult(met=False, text=unknown, known=False)


async def test_no_answer_is_no_yes() -> None:
    class Away(Known):
        async def samples(self, expr: str) -> list[Sample]:
            raise Permanent(Cause.missing, f"{expr} is not there")

    found = await Criteria(Away({}), Still()).ask([STAGE])  # type: ignore[arg-type]
    text = "errors: below 1 %: unknown: broken is not there"
    assert found[STAGE] == CriterionResult(met=False, text=text, known=False)
