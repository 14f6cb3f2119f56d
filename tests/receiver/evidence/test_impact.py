"""The impact of an incident, as Prometheus recorded it: each figure, or why it is unknown, which is never 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import servers
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import ENVIRONMENT, weights
from guarded.scraped import samples, watched
from handrail.contract import SPAN, Playbook
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.evidence.impact import Ended, ImpactWatch, ended, exposed
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Effect,
    EffectState,
    History,
    Impact,
    Incident,
    Run,
    RunState,
)
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus_history import LoadedRules, PrometheusHistory, Series, Span
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.secrets import Secrets
from handrail_receiver.store import Store

pytestmark = pytest.mark.anyio
LATER = NOW + timedelta(seconds=90)
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.rolled_back, "10%", NOW, NOW, "alice")
RUN = Run(
    1, 7, ROLLOUT, "rollback", "", 0, RunState.proved, "alert", "errors", NOW, NOW, NOW, NOW, LATER,
    (Effect(0, weights(0, 100)[0], EffectState.done),),
)  # fmt: skip
HISTORY = History(ATTEMPT, (RUN,))
ONE = Incident(
    "shop-7", ROLLOUT, 7, 2, NOW, NOW, "rollback", "errors", "alert", "error-rate/critical", stage="10%"
)
SINCE = 'ALERTS_FOR_STATE{alertname="ShopErrorRateCritical",rollout="shop",environment="production"}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def counting() -> Playbook:
    """The usual playbook, whose error rate counts failed requests."""
    book = playbook(environment=ENVIRONMENT)
    facts = book.guardrails[0].model_copy(update={"failed": f"failed[{SPAN}]"})
    return book.model_copy(update={"guardrails": (facts, *book.guardrails[1:])})


@dataclass
class Recorded:
    """Answers each expression with the values that a test gives, or with trouble."""

    said: Mapping[str, Sequence[float]] = field(default_factory=dict)
    trouble: TargetError | None = None
    asked: list[tuple[str, Span]] = field(default_factory=list)

    async def series(self, expr: str, span: Span) -> list[Series]:
        self.asked.append((expr, span))
        if self.trouble is not None:
            raise self.trouble
        return [
            Series({"n": str(place)}, ((0.0, str(one)),)) for place, one in enumerate(self.said.get(expr, ()))
        ]

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:
        raise AssertionError(groups)


async def found(recorded: Recorded, one: Incident = ONE, book: Playbook | None = None) -> tuple[Impact, bool]:
    nobody = cast("Store", None)
    watch = ImpactWatch(nobody, cast("Playbooks", None), recorded, cast("Clock", None))
    over = ended(HISTORY)
    assert over is not None
    return await watch.impact(one, book or counting(), HISTORY, over)


async def test_it_lasts_from_the_first_evaluation_that_failed_until_the_canary_has_no_traffic() -> None:
    began = NOW - timedelta(minutes=5)
    recorded = Recorded({SINCE: [began.timestamp() + 60, began.timestamp()], "failed[420s]": [1233.7]})
    impact, again = await found(recorded)
    assert impact == Impact(began, LATER, 0.1, {"error-rate": 1234.0}, {})
    assert (impact.duration, again) == (timedelta(minutes=6, seconds=30), False)
    assert [(expr, span.end) for expr, span in recorded.asked] == [
        (SINCE, NOW),
        ("failed[420s]", LATER + timedelta(seconds=30)),
    ]


async def test_what_nobody_recorded_is_unknown_with_the_reason() -> None:
    impact, again = await found(Recorded())
    assert impact == Impact(
        None,
        LATER,
        0.1,
        {},
        {
            "began": f"Prometheus has no {SINCE} of 2026-03-01 03:00:00 UTC",
            "failed": "from when to when is not known",
        },
    )
    assert (impact.duration, again) == (None, False)
    without = Recorded({SINCE: [NOW.timestamp()]})
    impact, _ = await found(without)
    assert (dict(impact.failed), dict(impact.unknown)) == (
        {},
        {"failed: error-rate": "Prometheus has no samples of it up to 2026-03-01 03:02:00 UTC"},
    )
    impact, _ = await found(without, book=playbook(environment=ENVIRONMENT))
    assert dict(impact.unknown) == {"failed": "no guardrail counts failed requests"}


async def test_of_what_a_person_asked_for_no_alert_says_since_when() -> None:
    impact, _ = await found(Recorded(), replace(ONE, source="", by="alice"))
    assert impact.unknown["began"] == "alice asked for it; no alert says since when"


@pytest.mark.parametrize(
    ("trouble", "again"),
    [(Retryable(Cause.unreachable, "it is down"), True), (Permanent(Cause.missing, "none is set"), False)],
)
async def test_a_prometheus_that_may_answer_later_is_asked_again(trouble: TargetError, again: bool) -> None:
    impact, passes = await found(Recorded(trouble=trouble))
    assert (impact.unknown["began"], passes) == (str(trouble), again)


def test_the_end_is_known_once_a_rollback_got_through_and_unknown_where_none_did() -> None:
    assert ended(HISTORY) == Ended(LATER)
    assert ended(replace(HISTORY, attempt=replace(ATTEMPT, state=AttemptState.rolling_back))) is None
    given_up = replace(HISTORY, attempt=replace(ATTEMPT, state=AttemptState.abandoned), runs=())
    assert ended(given_up) == Ended(None, "no rollback of attempt 2 got through; it is abandoned")


def test_the_share_is_that_of_the_stage_or_of_the_one_it_was_about_to_enter() -> None:
    book = playbook()
    assert exposed(ONE, book, HISTORY) == 0.1
    entering = replace(RUN, id=0, action="promote", key="50%", state=RunState.superseded)
    assert exposed(ONE, book, replace(HISTORY, runs=(entering, RUN))) == 0.5
    stages = tuple(stage.model_copy(update={"weight": None}) for stage in book.stages)
    assert exposed(ONE, book.model_copy(update={"stages": stages}), HISTORY) is None


async def test_a_real_prometheus_says_since_when_the_limit_was_broken_and_how_many_requests_failed(
    tmp_path: Path,
) -> None:
    metrics = {"bad": 0.0, "requests_total": 1000.0, "failed_total": 7.0}
    with watched(tmp_path, metrics) as application:
        began = datetime.now(UTC)
        application.values["bad"] = 1
        servers.until(lambda: bool(samples(application.url, "ALERTS_FOR_STATE")), "the limit to be broken")
        application.values["failed_total"] = 37
        servers.until(
            lambda: samples(application.url, "failed_total == 37") != [], "the failures to be scraped"
        )
        now = datetime.now(UTC)
        run = replace(RUN, detected_at=now, decided_at=now, finished_at=now)
        book = counting()
        asks = f"sum(increase(failed_total[{SPAN}])) or 0 * sum(increase(requests_total[{SPAN}]))"
        facts = book.guardrails[0].model_copy(update={"failed": asks})
        book = book.model_copy(update={"guardrails": (facts,)})
        client = new_client(None)
        recorded = PrometheusHistory(Outside(client, Secrets(None, {})), application.url)
        watch = ImpactWatch(cast("Store", None), cast("Playbooks", None), recorded, cast("Clock", None))
        impact, again = await watch.impact(ONE, book, History(ATTEMPT, (run,)), Ended(now))
        await client.aclose()
    assert (again, dict(impact.unknown), impact.share, impact.ended) == (False, {}, 0.1, now)
    assert impact.began is not None
    assert timedelta(seconds=-1) < impact.began - began < timedelta(seconds=20), (
        "Prometheus keeps whole seconds"
    )
    assert 30 <= impact.failed["error-rate"] <= 60, "30, and what Prometheus estimates at both ends"
