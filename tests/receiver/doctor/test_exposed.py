"""Series that rules and dashboards read + what Prometheus has → what is missing of them, and what would fix it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from handrail.contract import Playbook, SeriesNeed
from handrail_receiver.doctor.exposed import of_series
from handrail_receiver.doctor.findings import Health
from handrail_receiver.outside.prometheus import Sample

GENERATED = Path(__file__).parents[3] / "generated"
RULEIQ = Playbook.model_validate_json((GENERATED / "playbook/ruleiq.json").read_text())


class Answering:
    """A Prometheus in which `count(…)` of these selectors has samples, and buckets end at these bounds."""

    def __init__(self, *there: str, bounds: tuple[str, ...] = ()) -> None:
        self.there, self.bounds = there, bounds

    async def samples(self, expr: str) -> list[Sample]:
        if expr.startswith("count by (le)"):
            return [Sample(1, {"le": bound}) for bound in self.bounds]
        asked = expr.removeprefix("count(").removesuffix(")").split(" or ")
        return [Sample(1)] if set(asked) & set(self.there) else []

    async def values(self, expr: str) -> list[float]:
        return [one.value for one in await self.samples(expr)]


def said(need: SeriesNeed, prometheus: Answering) -> tuple[Health, str]:
    found = asyncio.run(of_series(need, RULEIQ, prometheus))
    assert bool(found.cure) is (found.health is not Health.ok)
    return found.health, found.text


def test_a_label_or_a_bucket_that_no_series_has_fails() -> None:
    need = SeriesNeed("ruleiq", "a_bucket", labels=("path",), buckets=('le="2"',), above=(2.0,))
    whole = ("a_bucket", 'a_bucket{path!=""}', 'a_bucket{le="2"}')
    assert [
        said(need, Answering(*whole, bounds=("2", "5", "+Inf"))),
        said(need, Answering("a_bucket", 'a_bucket{le="2"}')),
        said(need, Answering(*whole[:2])),
        said(need, Answering(*whole, bounds=("1", "2", "+Inf"))),
    ] == [
        (Health.ok, 'is there, with label path, with bucket le="2"'),
        (Health.failed, "no series of it has label path"),
        (Health.failed, 'no series of it has bucket le="2"'),
        (Health.failed, "its highest bucket ends at 2, and a limit is 2: the quantile never gets above it"),
    ]


def test_a_metric_without_which_a_guardrail_is_blind_fails_and_another_is_not_known() -> None:
    pool = SeriesNeed("ruleiq", "ruleiq_db_pool_size", ('job="ruleiq"',))
    users = SeriesNeed("ruleiq", "ruleiq_active_users", judged=False)
    assert [said(pool, Answering()), said(users, Answering())] == [
        (
            Health.failed,
            'nothing of ruleiq_db_pool_size{job="ruleiq"} is there, and without it a guardrail is blind',
        ),
        (Health.unknown, "nothing of ruleiq_active_users is there yet, which a dashboard reads"),
    ]


def test_what_only_optional_guardrails_read_may_be_missing_until_it_was_once_there() -> None:
    seen = 'handrail:guardrail:seen{rollout="ruleiq",guardrail=~"grpc"}'
    calls = SeriesNeed("ruleiq", "grpc_calls_total", seen=seen)
    assert [
        said(calls, Answering()),
        said(calls, Answering(seen)),
        said(calls, Answering("grpc_calls_total")),
    ] == [
        (Health.ok, "was never there, and what reads it is optional"),
        (
            Health.failed,
            "nothing of grpc_calls_total is there any more, and an optional guardrail that saw it is blind",
        ),
        (Health.ok, "is there"),
    ]


def test_what_is_missing_because_its_target_is_down_says_so() -> None:
    pool = SeriesNeed("ruleiq", "ruleiq_db_pool_size", ('job="ruleiq"',))
    cures = [
        asyncio.run(of_series(pool, RULEIQ, Answering(), unwell)).cure
        for unwell in (["ruleiq"], ["ruleiq-node"])
    ]
    assert [cure[:28] for cure in cures] == ["see to target ruleiq first: ", "let the application expose i"]


def test_of_two_names_of_one_counter_one_is_enough_for_a_guardrail_and_for_a_dashboard() -> None:
    refused, asked = "ruleiq_auth_failures", "ruleiq_ff_evaluations"
    judged = SeriesNeed("ruleiq", refused, ('job="ruleiq"',), instead=(f'{refused}_total{{job="ruleiq"}}',))
    drawn = SeriesNeed("ruleiq", asked, judged=False, instead=(f"{asked}_total",))
    either = Answering(f'{refused}_total{{job="ruleiq"}}', f"{asked}_total")
    assert [said(judged, either), said(drawn, either)] == [(Health.ok, "another series stands for it")] * 2
    assert [said(judged, Answering())[0], said(drawn, Answering())[0]] == [Health.failed, Health.unknown]
