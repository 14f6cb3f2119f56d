"""A measure that is judged for each value of its labels: what panels, runbooks and routes say of it."""

from __future__ import annotations

from typing import Any

import pytest
from handrail.declare import (
    Above,
    Ago,
    Arms,
    Command,
    Critical,
    Environment,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    Rate,
    Ratio,
    Rise,
    Rollout,
    SlowerThan,
    StableArm,
    Stage,
    While,
)
from handrail.declare.limits import Reference
from handrail.declare.measures import Measure
from handrail.emit.grafana.guardrail_panels import panels
from handrail.lower import lower
from handrail.plan import Guardrail as Planned
from handrail.plan import Rollout as PlannedRollout
from handrail.report.wording import enough_bad, meaning

ERRORS = Ratio("requests_total", bad='requests_total{code="500"}', by=["path"])


def planned(measure: Measure, against: Reference | None = None) -> PlannedRollout:
    declared = Rollout(
        "shop",
        "shop",
        arms=Arms("track", canary="new", stable="old"),
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=[
            Guardrail(
                "g",
                measure,
                against=against,
                tiers=[Critical(Above(1) if against is None else Rise("10%"))],
            )
        ],
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    return lower([declared], Environment("here")).rollouts[0]


def guardrail(measure: Measure) -> Planned:
    return planned(measure).guardrails[0]


def legends(rollout: PlannedRollout) -> list[str]:
    targets: list[Any] = panels(rollout.guardrails[0], rollout)[0].targets or []
    return [target.legend_format for target in targets]


def test_a_panel_names_each_value_and_the_events_of_each() -> None:
    assert legends(planned(ERRORS)) == [
        "{{track}} {{path}}",
        "{{track}} {{path}} (not judged)",
        "critical → investigate",
        "events in 5m {{path}}",
        "events needed to judge",
    ]


@pytest.mark.parametrize("against", [StableArm(), Ago("1d")])
def test_a_limit_that_is_another_for_each_says_whose_it_is(against: Reference) -> None:
    assert "critical → investigate {{path}}" in legends(planned(ERRORS, against))


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (
            ERRORS,
            (
                'The share of `requests_total{code="500",track="new"}` in `requests_total{track="new"}` over 5m, for each '
                "`path`. With fewer than 100 events in that time that `path` is not judged."
            ),
        ),
        (
            Latency("seconds", p=95, by=["path", "zone"]),
            (
                'The 95th percentile of `seconds{track="new"}` over 5m, for each `path` and `zone`. With fewer than 100 events '
                "in that time that `path` and `zone` is not judged, unless 11 or more of them are beyond its limit."
            ),
        ),
        (
            SlowerThan("seconds", "1s", min_events=20, by=["path"]),
            (
                'The share of `seconds{track="new"}` slower than 1 s over 5m, for each `path`. With fewer than 20 events in that '
                "time that `path` is not judged."
            ),
        ),
        (
            Increase("denied_total", by=["path"]),
            (
                'How many events `denied_total{track="new"}` counted in 5m, for each `path`; a series that first appears '
                "above zero counts in full."
            ),
        ),
        (
            Rate("jobs_total", by=["path"]),
            'Events of `jobs_total{track="new"}` per second over 5m, for each `path`.',
        ),
        (
            While(
                Gauge("lag", by=["queue"]), condition=Rate("work_total", by=["queue", "zone"]), above="1/s"
            ),
            (
                'The highest `lag{track="new"}`, for each `queue`. Only while this is above 1/s: events of '
                '`work_total{track="new"}` per second over 5m, of the same `queue`, of any `zone`.'
            ),
        ),
    ],
)
def test_a_runbook_says_of_whom_it_speaks(measure: Measure, said: str) -> None:
    one = guardrail(measure)
    assert meaning(one.signals[0].measure, enough_bad(one, one.signals[0])) == said


def test_alerts_differ_by_these_labels_and_mute_each_other_only_where_they_are_alike() -> None:
    rollout = planned(ERRORS)
    assert rollout.guardrails[0].alert_labels == ("path",)
    assert rollout.guardrails[0].signals[0].by == ("track", "path")


def test_a_rollback_is_proved_by_all_of_the_traffic_together() -> None:
    proof = planned(ERRORS).playbook.action("rollback")
    assert proof is not None
    assert proof.proof is not None
    assert "path" not in proof.proof.expr
