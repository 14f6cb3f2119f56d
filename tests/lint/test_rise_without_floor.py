"""rise-without-floor: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.rise_without_floor import NAME

SAID = (
    "'errors' looks for a rise, and against a reference of 0 the first event is one; "
    "write Rise(…, floor=…), or RisePoints"
)
ROLLOUT = ("stages=STAGES", "arms=ARMS", "rollback=UNDO")


def severities(measure: str, tiers: str, against: str = "StableArm()") -> list[str]:
    facts = guardrail(f"against={against}", tiers, measure=measure)
    said = [what for _, what in found(NAME, *ROLLOUT, facts)]
    assert all(what.endswith(SAID) for what in said)
    return [what.partition(":")[0] for what in said]


ACTS = 'tiers=[Critical(Rise("50%"), sustained="1m", action="rollback")]'
LOOKS = 'tiers=[Warning(Rise("50%"), sustained="1m")]'


@pytest.mark.parametrize(
    ("measure", "severity"),
    [
        ("ERRORS", ("error", "warning")),
        ('SlowerThan("request_seconds", "1s", buckets=[1])', ("error", "warning")),
        ('Increase("panics_total")', ("error", "warning")),
        ('While(ERRORS, condition=Rate("requests_total"))', ("error", "warning")),
        ('Rate("errors_total")', ("warning", "info")),
        ('Gauge("queue_length")', ("warning", "info")),
        ('PromQL("sum(queue_length)")', ("warning", "info")),
        ('Count("up", where="== 0")', ("warning", "info")),
        ('Changes("started")', ("warning", "info")),
        ('Difference("a", minus="b", absolute=True)', ("warning", "info")),
    ],
)
def test_a_rise_beside_nothing_is_the_first_event(measure: str, severity: tuple[str, str]) -> None:
    for tiers, expected in zip((ACTS, LOOKS), severity, strict=True):
        assert severities(measure, tiers, 'Ago("1d")') == [expected]


@pytest.mark.parametrize("floor", ["0", '"0%"'])
def test_a_floor_of_0_is_none(floor: str) -> None:
    assert severities("ERRORS", f'tiers=[Critical(Rise("50%", floor={floor}), action="rollback")]') == [
        "error"
    ]


def test_a_gate_s_rise_and_one_beside_a_fixed_0_are_found_too() -> None:
    assert severities("ERRORS", 'success=Rise("50%")') == ["warning"]
    assert severities("ERRORS", ACTS, 'Fixed("0%")') == ["error"]


@pytest.mark.parametrize(
    ("measure", "limit", "against"),
    [
        ("ERRORS", 'Rise("50%", floor="1%")', "StableArm()"),
        ("ERRORS", 'RisePoints("1%")', "StableArm()"),
        ("ERRORS", 'Rise("50%")', 'Fixed("1%")'),
        ("ERRORS", 'Above("1%")', "StableArm()"),
        ("TIME", 'Rise("50%")', "StableArm()"),
        ('Ratio(good="ok_total", of="requests_total")', 'Drop("5%")', "StableArm()"),
        ('Gauge("memory_bytes", unit="bytes")', 'Rise("50%")', "StableArm()"),
    ],
)
def test_what_has_a_floor_or_is_never_0_is_fine(measure: str, limit: str, against: str) -> None:
    assert severities(measure, f'tiers=[Critical({limit}, action="rollback")]', against) == []
