"""thin-traffic: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.thin_traffic import NAME


def test_a_canary_with_too_few_events_is_never_judged() -> None:
    measure = """Ratio(
            bad="errors_total",
            of="requests_total",
            min_events=100,
        )"""
    facts = guardrail('expected="3/s", tiers=[Warning(Above("5%"))]', measure=measure)
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == [
        (
            "min_events=100,",
            (
                "error: 'errors' sees about 90 events in 5m in stage '10%', and needs 100 to judge, for which the "
                "service must have 200/min; "
                "widen window=, lower min_events= or raise the share"
            ),
        )
    ]


def test_a_service_without_stages_is_looked_at_as_a_whole() -> None:
    assert len(found(NAME, guardrail('expected="10/min", tiers=[Warning(Above("5%"))]'))) == 1


def test_enough_traffic_is_fine() -> None:
    facts = guardrail('expected="4/s", tiers=[Warning(Above("5%"))]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []


def test_a_service_judged_whole_has_all_the_traffic() -> None:
    assert found(NAME, "stages=STAGES", guardrail('expected="1/s", tiers=[Warning(Above("5%"))]')) == []


def test_a_criterion_alone_needs_events_as_well_and_so_does_the_last_stage() -> None:
    facts = guardrail('expected="3/s", success=Below("5%")')
    assert len(found(NAME, "stages=STAGES", "arms=ARMS", facts)) == 1
    last = guardrail('expected="3/s", tiers=[Warning(Above("5%"))]')
    assert len(found(NAME, 'stages=[Stage("10%", weight="10%")]', "arms=ARMS", last)) == 1


def test_a_stage_without_traffic_is_not_judged() -> None:
    stages = 'stages=[Stage("0%", weight="0%", bake="1h"), Stage("100%", weight="100%")]'
    facts = guardrail('expected="1/s", tiers=[Warning(Above("5%"))]')
    assert found(NAME, stages, "arms=ARMS", facts) == []


def test_a_stage_with_too_few_events_for_what_counts_all_of_it_is_never_left() -> None:
    facts = guardrail('expected="15/min", success=OverStage(Below("0.5%"))')
    [(line, said)] = found(NAME, "stages=STAGES", "arms=ARMS", facts)
    assert 'success=OverStage(Below("0.5%"))' in line
    assert said == (
        "error: 'errors' sees about 1800 events in stage '50%', and its criterion needs 2000: it is never met; "
        "raise bake= or the share, or write OverStage(…, min_events=)"
    )


def test_a_window_may_have_few_where_all_events_of_the_stage_are_counted() -> None:
    for written in ('OverStage(Below("5%"))', 'OverStage(Below("0.5%"), min_events=300)'):
        facts = guardrail(f'expected="15/min", success={written}')
        assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []
