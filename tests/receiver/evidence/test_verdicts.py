"""What samples say of a tier, and what nobody can make them say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from guarded.recorded import limited_playbook
from handrail.contract import LimitFacts, names
from handrail_receiver.evidence.snapshot import KeptSeries, TierSeen
from handrail_receiver.evidence.verdicts import (
    UsualQuery,
    longest_run,
    unfit,
    usual,
    verdict_of,
    with_figures,
)

from .kept import BLIND, CANARY, LIMIT, NOW, QUERY, STEP, events, series, value

BROKEN = series({**CANARY, "__name__": "handrail:guardrail:value"}, [0.08, 0.09])


def test_a_query_of_the_usual_form_is_read() -> None:
    assert usual(QUERY) == UsualQuery(CANARY, ">", 0.05, CANARY, 30)


FEW = f"({QUERY.partition(') ')[2]} or {{share}} * on (rollout, guardrail, track) {QUERY.partition(') ')[2].removesuffix(' >= 30')} >= 9.5)"


@pytest.mark.parametrize(("op", "share"), [(">", "{value}"), ("<", "(1 - {value})")])
def test_a_query_that_also_counts_the_bad_events_among_few_is_read_and_evaluated(op: str, share: str) -> None:
    head, _, _ = QUERY.partition(") ")
    recorded = head.partition(" > ")[0]
    query = f"{head.replace(' > ', f' {op} ')}) {FEW.replace('{share}', share.replace('{value}', recorded))}"
    read = usual(query)
    assert read == UsualQuery(CANARY, op, 0.05, CANARY, 30, 9.5)
    shares = (0.5, 0.5, 0.01) if op == ">" else (0.01, 0.02, 0.04)
    found = read.breaches([value(*shares), events(20, 9, 30)])
    expected = value(*shares).points
    assert [one.points for one in found] == [(expected[0],) if op == ">" else (expected[0], expected[2])]


@pytest.mark.parametrize(
    "query",
    [
        BLIND,
        'handrail:guardrail:value{rollout="shop",guardrail=~"a|b"} > 0.05',
        'handrail:guardrail:value{rollout="shop"} > 0.05 and on () up == 0',
        'handrail:guardrail:value{rollout="shop"} > on () (max(up) * 0.05)',
        "rate(http_requests_total[5m]) > 5",
    ],
)
def test_any_other_query_is_left_to_prometheus(query: str) -> None:
    assert usual(query) is None


def test_a_query_is_evaluated_as_prometheus_does() -> None:
    measures = [value(0.08, 0.08, 0.01, 0.09), events(29, 30, 400, 31)]
    found = UsualQuery(CANARY, ">", 0.05, CANARY, 30).breaches(measures)
    points = value(0.08, 0.08, 0.01, 0.09).points
    assert found == (KeptSeries(labels=measures[0].labels, points=(points[1], points[3])),)


def test_without_a_count_of_the_same_series_nothing_is_broken() -> None:
    other = series({**CANARY, "track": "stable"}, [400], "handrail:guardrail:events")
    assert UsualQuery(CANARY, ">", 0.05, CANARY, 30).breaches([value(0.08), other]) == ()


@pytest.mark.parametrize(
    ("breaches", "blind", "verdict"),
    [
        ([BROKEN], [], "broken"),
        ([BROKEN], [series({}, [1])], "broken"),
        ([], [series({}, [1])], "blind"),
        ([], [], "within"),
    ],
)
def test_a_tier_is_what_its_samples_at_the_end_say(
    breaches: list[KeptSeries], blind: list[KeptSeries], verdict: str
) -> None:
    assert verdict_of("critical", breaches, blind, NOW, STEP) == verdict


def test_what_was_broken_a_while_ago_is_not_broken_now() -> None:
    assert verdict_of("critical", [BROKEN], [], NOW + timedelta(minutes=1), STEP) == "within"


def test_the_tier_blind_says_whether_it_can_see() -> None:
    assert verdict_of("blind", [series({}, [1])], [series({}, [1])], NOW, STEP) == "blind"
    assert verdict_of("blind", [], [], NOW, STEP) == "sees"


def test_how_long_a_limit_was_broken_without_a_break() -> None:
    every = series(CANARY, [1] * 9)
    gap = KeptSeries(labels=CANARY, points=every.points[:3] + every.points[4:])
    assert [longest_run(one, STEP) for one in ([every], [gap], [series(CANARY, [1])], [])] == [120, 60, 0, 0]


def seen(*values: float) -> TierSeen:
    return TierSeen(
        guardrail="error-rate",
        tier="critical",
        action="rollback",
        query=QUERY,
        limits=("above 5 %",),
        verdict="broken",
        breaches=(series(CANARY, values),) if values else (),
    )


def test_a_sample_that_breaks_no_limit_is_found() -> None:
    assert unfit(seen(0.08, 0.01), [LIMIT]) == (
        f"its value 0.01 at {NOW.timestamp():.0f} breaks no limit of error-rate/critical (above 5 %)"
    )
    assert unfit(seen(0.08, 0.06), [LIMIT]) == ""


@pytest.mark.parametrize("limit", [{"reference": "the figure before"}, {"signal": "pool"}, {"state": "down"}])
def test_of_a_limit_that_is_relative_or_of_another_signal_nobody_can_know(limit: dict[str, str]) -> None:
    assert unfit(seen(0.01), [LimitFacts(**{**LIMIT.model_dump(), **limit})]) == ""


def figures_say(stage: str, tier: str, **arms: float) -> str:
    """What a rule that does not hold is said to be beside these figures of the error rate."""
    book = limited_playbook()
    guardrail, facts = book.guardrails[0], book.tier("error-rate", tier)
    assert facts is not None
    measures = [
        series({"guardrail": "error-rate", "track": arm}, [figure], names.VALUE)
        for arm, figure in arms.items()
    ]
    return with_figures("within", facts, guardrail, book, stage, measures, NOW, STEP)


@pytest.mark.parametrize(
    ("stage", "tier", "arms", "verdict"),
    [
        ("10%", "warning", {"canary": 0.02, "stable": 0.002}, "beyond"),
        ("10%", "critical", {"canary": 0.02, "stable": 0.002}, "within"),
        ("50%", "critical", {"canary": 0.021, "stable": 0.002}, "beyond"),
        ("10%", "warning", {"canary": 0.002, "stable": 0.2}, "within"),
        ("10%", "warning", {"canary": float("nan")}, "unknown"),
        ("10%", "blind", {"canary": 0.02}, "within"),
    ],
    ids=["beyond", "of another tier", "of this stage", "the stable arm's", "no number", "no limit"],
)
def test_no_figure_beyond_a_limit_is_within_it_though_the_rule_does_not_hold(
    stage: str, tier: str, arms: dict[str, float], verdict: str
) -> None:
    assert figures_say(stage, tier, **arms) == verdict
