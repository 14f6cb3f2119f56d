"""What Prometheus says of a criterion → whether it is met, and for how long and how much that was judged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from guarded import NOW
from guarded.kept import Still
from handrail.contract import SPAN, Criterion, Playbook, StageEvents
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.gates.criteria import Criteria
from handrail_receiver.gates.gate import CriterionResult
from handrail_receiver.outside.prometheus import Sample
from promql_parser import BinaryExpr, parse

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


ONE = re.compile(r'label_replace\(max\((.*?)\), "handrail_asked", "(\d+/\w+)", "", ""\)', re.DOTALL)


class Known:
    """Knows the samples of a few expressions, and what it was asked."""

    def __init__(self, known: Mapping[str, Sequence[float]], broken: str = "") -> None:
        self.known, self.broken, self.asked = known, broken, list[str]()

    async def samples(self, expr: str) -> list[Sample]:
        self.asked.append(expr)
        if self.broken and self.broken in expr:
            raise Permanent(Cause.invalid, f"{self.broken} cannot be computed")
        found = [(self.known.get(one, ()), name) for one, name in ONE.findall(expr)]
        return [Sample(max(values), {"handrail_asked": name}) for values, name in found if values]

    async def values(self, expr: str) -> list[float]:
        return [sample.value for sample in await self.samples(expr)]


COUNTED = Criterion(
    guardrail="writes",
    text="above 99 %, counted over the whole stage",
    expr=f"broken[{SPAN}]",
    seen=f"seen[{SPAN}]",
    there=f"there[{SPAN}]",
    over=86400,
    events=StageEvents(count=f"count[{SPAN}]", least=1000, unit="ratio", leaves=300),
)
SINCE = NOW - timedelta(hours=25)


@pytest.mark.parametrize(
    ("known", "met", "text"),
    [
        (
            {"seen": [0.9942], "there": [1], "count": [4812]},
            True,
            "99.42 %, of 4,812 events since the stage began",
        ),
        (
            {"broken": [0.981], "seen": [0.981], "there": [1], "count": [4812]},
            False,
            "writes: above 99 %, counted over the whole stage: broken: 98.1 %, of 4,812 events since the stage began",
        ),
        (
            {"there": [0.97], "count": [812]},
            False,
            "writes: above 99 %, counted over the whole stage: not yet judged: 812 events since the stage began; 1,000 are needed",
        ),
        (
            {"there": [0.97]},
            False,
            "writes: above 99 %, counted over the whole stage: not yet judged: 0 events since the stage began; 1,000 are needed",
        ),
        (
            {"there": [0.55], "count": [4812]},
            False,
            "writes: above 99 %, counted over the whole stage: unknown: only 55 % of the stage had data at all; 90 % is required",
        ),
        (
            {},
            False,
            "writes: above 99 %, counted over the whole stage: unknown: none of the stage had data at all; 90 % is required",
        ),
    ],
)
async def test_what_is_counted_over_a_stage_is_asked_since_it_began_and_says_its_figure_and_number(
    known: Mapping[str, Sequence[float]], met: bool, text: str
) -> None:
    prometheus = Known({f"{name}[89700s]": values for name, values in known.items()})
    found = await Criteria(prometheus, Still()).ask([COUNTED], SINCE)
    judged = met or "broken" in known
    assert found[COUNTED] == CriterionResult(met=met, text=text, known=judged)


async def answer(criterion: Criterion, **known: Sequence[float]) -> CriterionResult:
    found = await Criteria(Known(known), Still()).ask([criterion])
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
            "errors: below 1 %: unknown: only 89 % of the last 23 h 55 min had data, and traffic enough, to be judged by; 90 % is required",
        ),
        (
            {},
            False,
            "errors: below 1 %: unknown: none of the last 23 h 55 min had data, and traffic enough, to be judged by; 90 % is required",
        ),
    ],
    ids=["met", "wholly", "broken", "too little", "nothing"],
)
async def test_a_stage_is_judged_with_the_share_of_it_that_was_seen(
    known: dict[str, list[float]], met: bool, text: str
) -> None:
    sure = met or "broken" in known
    assert await answer(STAGE, **known) == CriterionResult(met, text, known=sure)


ASLEEP = STAGE.model_copy(update={"coverage": 0.6, "there": "there"})


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (
            {"judged": [0.7], "there": [0.7]},
            "only 70 % of the last 23 h 55 min had data at all; 90 % is required",
        ),
        ({}, "none of the last 23 h 55 min had data at all; 90 % is required"),
        (
            {"judged": [0.5], "there": [1.0]},
            "only 50 % of the last 23 h 55 min had data, and traffic enough, to be judged by; 60 % is required",
        ),
    ],
    ids=["blind", "nothing", "too quiet"],
)
async def test_of_a_service_that_sleeps_it_is_said_whether_data_or_traffic_was_too_little(
    known: dict[str, list[float]], text: str
) -> None:
    said = f"errors: below 1 %: unknown: {text}"
    assert await answer(ASLEEP, **known) == CriterionResult(met=False, text=said, known=False)


async def test_a_moment_is_called_a_moment() -> None:
    assert await answer(MOMENT, seen=[0.4]) == CriterionResult(met=True, text="holds now")
    assert await answer(MOMENT, seen=[0.4], broken=[0.4]) == CriterionResult(
        met=False, text="errors: below 1 %: broken now"
    )
    unknown = "errors: below 1 %: unknown: no data, or too little traffic"
    assert await answer(MOMENT) == CriterionResult(met=False, text=unknown, known=False)


async def test_what_is_no_number_is_no_yes() -> None:
    nan = float("nan")
    unknown = "errors: below 1 %: unknown: no data, or too little traffic"
    assert await answer(MOMENT, seen=[nan]) == CriterionResult(met=False, text=unknown, known=False)
    assert await answer(MOMENT, seen=[1.0], broken=[nan]) == CriterionResult(
        met=False, text="errors: below 1 %: broken now"
    )
    judged = await answer(STAGE, seen=[nan], judged=[nan])
    assert (judged.met, judged.known) == (False, False)
    assert "unknown: none of the last 23 h 55 min had data" in judged.text


async def test_no_answer_is_no_yes() -> None:
    class Away(Known):
        async def samples(self, expr: str) -> list[Sample]:  # noqa: ARG002  whatever is asked
            raise Retryable(Cause.unreachable, "nobody answers")

    found = await Criteria(Away({}), Still()).ask([STAGE])
    text = "errors: below 1 %: unknown: nobody answers"
    assert found[STAGE] == CriterionResult(met=False, text=text, known=False)


def other(number: int) -> Criterion:
    return Criterion(guardrail=f"g-{number}", text="fine", expr=f"broken-{number}", seen=f"seen-{number}")


async def test_all_criteria_are_one_question() -> None:
    asked = [other(number) for number in range(20)]
    prometheus = Known({"seen-3": [1.0], "broken-4": [1.0], "seen-4": [1.0]})
    found = await Criteria(prometheus, Still()).ask(asked)
    assert len(prometheus.asked) == 1
    assert [place for place, one in enumerate(asked) if found[one].met] == [3]
    assert [place for place, one in enumerate(asked) if found[one].known] == [3, 4]


async def test_one_that_cannot_be_computed_says_nothing_of_the_others() -> None:
    asked = [other(number) for number in range(3)]
    prometheus = Known({f"seen-{number}": [1.0] for number in range(3)}, broken="broken-1")
    found = await Criteria(prometheus, Still()).ask(asked)
    assert [found[one].text for one in asked] == [
        "holds now",
        "g-1: fine: unknown: broken-1 cannot be computed",
        "holds now",
    ]


async def test_the_question_is_promql_that_prometheus_reads() -> None:
    playbook = Playbook.model_validate_json(
        (Path(__file__).parents[3] / "generated/playbook/checkout.json").read_text()
    )
    prometheus = Known({})
    await Criteria(prometheus, Still()).ask(playbook.gates[0].criteria)
    assert isinstance(parse(prometheus.asked[0]), BinaryExpr)
