"""A playbook and an instant → a snapshot: what is in it, what is missing from it, and how much is asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from handrail.contract import SPAN, Criterion, Gate, StageEvents, names
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.evidence.snapshot import (
    ArmShare,
    CriterionSeen,
    RulesSeen,
    Snapshot,
    TierSeen,
    playbook_digest,
)
from handrail_receiver.evidence.snapshot_queries import SnapshotSubject, snapshot
from handrail_receiver.outside.prometheus_history import LoadedRules

from .kept import (
    ALERT,
    BLIND,
    CANARY,
    GROUP,
    GUARDRAIL,
    NOW,
    OURS,
    QUERY,
    SELECTED,
    STEP,
    Known,
    book,
    events,
    series,
    value,
)

MOMENT = SnapshotSubject(7, "10%", NOW, NOW, by="handrail", of=(12,), artifact="sha256:cafe")
ALERTS = series({**OURS, "tier": "critical", "alertstate": "firing"}, [1], "ALERTS")
INFO = series({**OURS, "unit": "ratio"}, [1], "handrail:guardrail:info")
BREACHES = series({**OURS, "tier": "critical"}, [0.08])
SPLIT = (series({"track": "canary"}, [1]), series({"track": "stable"}, [9]))
AWAY = Retryable(Cause.unreachable, "Prometheus cannot be reached")


def taken(known: Known, moment: SnapshotSubject = MOMENT, **facts: object) -> Snapshot:
    return asyncio.run(snapshot(known, book(**facts), moment))


def known(**given: object) -> Known:
    measures = (value(0.02, 0.08), events(40, 50), INFO)
    answers = {"label_replace": (BREACHES, *measures), "ALERTS": (ALERTS,), "sum by (track)": SPLIT}
    return Known(**{"answers": answers, **given})  # type: ignore[arg-type]


def test_a_snapshot_has_all_that_a_decision_rests_on() -> None:
    seen = TierSeen(
        guardrail="error-rate",
        tier="critical",
        action="rollback",
        query=QUERY,
        limits=("above 5 %",),
        verdict="broken",
        value="0.08",
        count="50",
        unit="ratio",
        sustained=60,
        breaches=(BREACHES,),
    )
    blind = but(seen, tier="blind", action="hold", query=BLIND, limits=(), verdict="sees", sustained=0)
    assert taken(known()) == Snapshot(
        rollout="shop",
        attempt=7,
        of=(12,),
        by="handrail",
        why="",
        at=NOW,
        start=NOW - timedelta(minutes=15),
        end=NOW,
        step=STEP,
        stage="10%",
        playbook=playbook_digest(book()),
        rules=RulesSeen(generated=book().rules_digest, loaded=(book().rules_digest,), text=""),
        artifact="sha256:cafe",
        asked=0.1,
        split=(
            ArmShare(arm="canary", per_second=1, share=0.1),
            ArmShare(arm="stable", per_second=9, share=0.9),
        ),
        fires=("error-rate/critical",),
        tiers=(seen, blind),
        measures=(value(0.02, 0.08), events(40, 50), INFO, ALERTS),
        missing=(),
    )


def but(seen: TierSeen, **changed: object) -> TierSeen:
    return seen.model_copy(update={"breaches": (), **changed})


def test_it_is_read_again_as_it_was_written() -> None:
    once = taken(known())
    assert Snapshot.model_validate_json(once.text()) == once


def test_its_summary_says_what_is_broken_first() -> None:
    assert taken(known()).summary() == "error-rate/critical is broken at 8 %, above 5 %"
    assert taken(Known({"label_replace": (value(0.02),)})).summary() == "1 of 1 tiers within their limits"
    assert taken(Known()).summary() == "error-rate is blind: no figure"


def test_prometheus_is_asked_three_times_for_the_rollout_and_once_for_each_guardrail() -> None:
    asked = known()
    more = tuple(GUARDRAIL.model_copy(update={"name": f"guardrail-{number}"}) for number in range(20))
    taken(asked, guardrails=more)
    assert len(asked.asked) == 23


def test_it_keeps_which_instances_of_the_measured_jobs_are_up() -> None:
    needs = (('a{job=~"shop(-.+)?"}',), ('b{code="5",job="shop-db"}', 'c{job=~"shop(-.+)?"}'))
    gone = series({"job": "shop-db", "instance": "db:1"}, [1, 1], "up")
    gone = gone.model_copy(update={"points": gone.points[:1]})
    up = (
        series({"job": "shop", "instance": "a:1"}, [0, 1], "up"),
        series({"job": "shop", "instance": "b:1"}, [1, 0], "up"),
        gone,
    )
    asked = known(answers={"up{": up})
    found = taken(asked, guardrails=(GUARDRAIL.model_copy(update={"needs": needs}),))
    assert 'up{job=~"shop(-.+)?"} or up{job="shop-db"}' in asked.asked
    assert [(one.job, one.instance, one.up) for one in found.instances] == [
        ("shop", "a:1", True),
        ("shop", "b:1", False),
        ("shop-db", "db:1", False),
    ]
    assert found.instances_text == "1 of 3 up; b:1 (shop) is down; db:1 (shop-db) is down"
    assert Snapshot.model_validate_json(found.text()).instances == found.instances


def test_whether_instances_are_up_is_missing_where_nobody_knows_it() -> None:
    needs = GUARDRAIL.model_copy(update={"needs": (('a{job="shop"}',),)})
    found = taken(known(answers={"up{": AWAY}), guardrails=(needs,))
    assert (found.instances, found.instances_text, found.missing) == (
        (),
        "",
        ("which instances are up: Prometheus cannot be reached",),
    )


def test_for_an_alerts_decision_only_its_guardrail_is_asked_for() -> None:
    more = (GUARDRAIL, GUARDRAIL.model_copy(update={"name": "latency"}))
    found = taken(known(), replace(MOMENT, guardrails=frozenset({"latency"})), guardrails=more)
    assert {tier.guardrail for tier in found.tiers} == {"latency"}


def test_rules_that_were_changed_after_they_were_generated_are_said_to_be_others() -> None:
    looser = replace(ALERT, query=QUERY.replace("0.05", "0.5"))
    changed = LoadedRules("shop.yml", (replace(GROUP, rules=(looser,)),))
    assert taken(known(loaded=(changed,))).rules.text == "the loaded rules are not those generated"
    assert taken(known(loaded=())).rules.text == "Prometheus has loaded none of the rules"


def test_of_the_same_rules_in_two_files_one_is_enough() -> None:
    other = LoadedRules("staging.yml", (replace(GROUP, rules=()),))
    assert taken(known(loaded=(other, LoadedRules("shop.yml", (GROUP,))))).rules.text == ""


@pytest.mark.parametrize(
    ("away", "missing", "verdict"),
    [
        ({"loaded": AWAY}, "the loaded rules: Prometheus cannot be reached", "broken"),
        ({"answers": {"ALERTS": AWAY}}, "what fires: Prometheus cannot be reached", "blind"),
        ({"answers": {"label_replace": AWAY}}, "error-rate: Prometheus cannot be reached", "unknown"),
    ],
)
def test_what_cannot_be_had_is_missing_and_never_fine(
    away: dict[str, object], missing: str, verdict: str
) -> None:
    found = taken(known(**away))
    assert (found.missing, found.tiers[0].verdict) == ((missing,), verdict)


def test_what_fires_is_unknown_where_nobody_could_ask_and_nothing_where_nothing_does() -> None:
    assert taken(known(answers={"ALERTS": AWAY})).fires is None
    assert taken(known(answers={})).fires == ()


@pytest.mark.parametrize("away", ["count_over_time", "judged"])
def test_a_criterion_of_which_one_answer_is_missing_is_unknown_and_not_met(away: str) -> None:
    whole = {"count_over_time": (), "judged": (series({}, [0.95]),)}
    asked = Known({**whole, away: AWAY})
    [seen] = taken(asked, AT_GATE, gates=(Gate(into="50%", criteria=(CRITERION,)),)).criteria
    assert seen.verdict == "unknown"


def test_one_guardrail_that_nobody_could_ask_for_leaves_what_is_known_of_the_others() -> None:
    others = tuple(GUARDRAIL.model_copy(update={"name": f"guardrail-{number}"}) for number in range(6))
    asked = known(answers={'guardrail="guardrail-0"': AWAY, **known().answers})
    found = taken(asked, guardrails=others)
    assert [tier.verdict == "unknown" for tier in found.tiers] == [True, True, *[False] * 10]


def test_what_only_watches_does_not_count_as_firing() -> None:
    shadow = series({**OURS, "tier": "critical", "alertstate": "firing", "mode": "shadow"}, [1], "ALERTS")
    pending = series({**OURS, "tier": "critical", "alertstate": "pending"}, [1], "ALERTS")
    assert taken(known(answers={"ALERTS": (shadow, pending)})).fires == ()


def test_a_long_sustained_alert_is_looked_at_for_longer() -> None:
    slow = replace(GROUP, rules=(replace(ALERT, sustained=3600, keep=600),))
    found = taken(known(loaded=(LoadedRules("shop.yml", (slow,)),)))
    assert (found.end - found.start, found.step) == (timedelta(minutes=80), 15)


@pytest.mark.parametrize(
    ("every", "sustained", "long", "step"),
    [
        (60, 0, timedelta(minutes=15), 15),
        (1.5, 3, timedelta(minutes=12.5), 1.5),  # as many samples as are kept, none of them left out
        (15, 86400, timedelta(hours=6), 43.2),  # longer than is looked back: as fine as can be kept
    ],
)
def test_no_evaluation_is_left_out_between_two_samples(
    every: float, sustained: float, long: timedelta, step: float
) -> None:
    group = replace(GROUP, interval=every, rules=(replace(ALERT, sustained=sustained, keep=0),))
    found = taken(known(loaded=(LoadedRules("shop.yml", (group,)),)))
    assert (found.end - found.start, found.step) == (long, step)


INNER = f"handrail:guardrail:value{SELECTED} >= 0.005"
CRITERION = Criterion(
    guardrail="error-rate",
    text="below 0.5 %",
    expr=f"count_over_time(({INNER})[25m:30s])",
    seen="judged >= 0.9",
    over=1500,
)
AT_GATE = replace(MOMENT, gates={"50%": NOW - timedelta(seconds=5)})


@pytest.mark.parametrize(
    ("broken", "judged", "verdict"),
    [((), ("0.95",), "met"), (("3",), ("0.95",), "broken"), (("3",), (), "broken"), ((), (), "unknown")],
)
def test_a_criterion_is_asked_anew_at_the_moment_of_the_decision(
    broken: tuple[str, ...], judged: tuple[str, ...], verdict: str
) -> None:
    answers = {
        "count_over_time": tuple(series({}, [float(one)]) for one in broken),
        "judged": tuple(series({}, [float(one)]) for one in judged),
        INNER: (value(0.01),) if broken else (),
    }
    gates = (Gate(into="50%", criteria=(CRITERION,)), Gate(into="100%", criteria=(CRITERION,)))
    found = taken(Known(answers), AT_GATE, gates=gates)
    assert found.criteria == (
        CriterionSeen(
            into="50%",
            guardrail="error-rate",
            text="below 0.5 %",
            query=CRITERION.expr,
            seen=CRITERION.seen,
            verdict=verdict,  # type: ignore[arg-type]
            over=1500,
            step=5,
            broken=tuple(f"{float(one)}" for one in broken),
            judged=tuple(f"{float(one)}" for one in judged),
            breaches=(value(0.01),) if broken else (),
        ),
    )


@pytest.mark.parametrize(("op", "kept"), [(">", ("0.3", "80")), ("<", ("0.1", "60"))])
def test_of_several_values_the_worst_is_kept_with_its_own_events(op: str, kept: tuple[str, str]) -> None:
    """Each path is judged by itself; /c has most events, and is neither the best nor the worst."""
    paths = {"/a": (0.1, 60), "/b": (0.3, 80), "/c": (0.2, 900)}
    figures = {
        name: tuple(series({**CANARY, "path": path}, [both[place]], name) for path, both in paths.items())
        for place, name in enumerate((names.VALUE, names.EVENTS))
    }
    answers = {"label_replace": (BREACHES, *figures[names.VALUE], *figures[names.EVENTS])}
    tier = GUARDRAIL.tiers[0]
    limit = tier.limits[0].model_copy(update={"op": op})
    one = GUARDRAIL.model_copy(
        update={"tiers": (tier.model_copy(update={"limits": (limit,)}), *GUARDRAIL.tiers[1:])}
    )
    found = taken(known(answers=answers), guardrails=(one,)).tier("error-rate/critical")
    assert found is not None
    assert (found.value, found.count) == kept


def test_what_counts_a_stage_is_asked_since_it_began_and_kept_with_the_playbook_s_query() -> None:
    events = StageEvents(count=f"count[{SPAN}]", least=1000, unit="ratio", leaves=300)
    counted = Criterion(
        guardrail="writes",
        text="above 99 %, counted over the whole stage",
        expr=f"broken[{SPAN}]",
        seen=f"seen[{SPAN}]",
        over=86400,
        events=events,
    )
    decided = NOW - timedelta(seconds=5)
    at_gate = replace(AT_GATE, baked={"50%": decided - timedelta(hours=25)})
    answers = {"seen[89700s]": (series({}, [0.994]),)}
    [seen] = taken(Known(answers), at_gate, gates=(Gate(into="50%", criteria=(counted,)),)).criteria
    assert (seen.verdict, seen.judged, seen.query, seen.seen) == (
        "met",
        ("0.994",),
        counted.expr,
        counted.seen,
    )
