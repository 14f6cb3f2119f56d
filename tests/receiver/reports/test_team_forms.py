"""What the clinic's and aurigraph's teams get: the daily mail and the weekly report, whole, as their playbooks declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from handrail.contract import Playbook
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.outside.prometheus_history import Series
from handrail_receiver.reports.composing import report_of
from handrail_receiver.reports.dora import figures_of
from handrail_receiver.reports.guardrail_values import guardrail_lines
from handrail_receiver.reports.markdown import markdown
from handrail_receiver.reports.measuring import Measured
from handrail_receiver.reports.outcomes import Failure, Outcome, Stay
from handrail_receiver.reports.period import Period
from handrail_receiver.reports.report_input import DayFigures, ReportInput, StayFigures
from handrail_receiver.reports.report_schedule import message_of
from handrail_receiver.store.rows import canonical

PLAYBOOKS = Path(__file__).parents[3] / "generated/playbook"


def playbook(rollout: str) -> Playbook:
    """What the receiver has of it."""
    return Playbook.model_validate_json((PLAYBOOKS / f"{rollout}.json").read_text())


def recorded(guardrail: str, *values: float, **labels: str) -> Series:
    """What Prometheus recorded of a guardrail."""
    points = tuple((float(place), str(value)) for place, value in enumerate(values))
    return Series({"guardrail": guardrail, **labels}, points)


def measured(values: Mapping[str, float]) -> dict[str, Measured]:
    """Figures that Prometheus could give."""
    return {name: Measured(value) for name, value in values.items()}


MEM0 = playbook("mem0-redis")
TODAY = Period("daily", MEM0.report.zone, date(2025, 10, 17), date(2025, 10, 17))
STARTED = TODAY.start - timedelta(hours=5, minutes=25)
OF_THE_DAY = (
    recorded("latency-p50", 0.31, 0.36, 0.33),
    recorded("latency-p95", 0.8, 0.9, 0.7),
    recorded("daily-errors", 0.002, 0.006, 0.004),
    recorded("cache-hit", 0.97, 0.962, 0.968),
    recorded("mem0-writes", 0.998, 0.995, 0.999),
    recorded("circuit-breaker", 1, 1, 1, state="closed"),
    recorded("circuit-breaker", 0, 0, 0, state="open"),
)


def told(at: datetime, guardrail: str, tier: str, text: str) -> EvidenceRecord:
    """A decision that people heard of."""
    said = {"guardrail": guardrail, "tier": tier, "action": "", "verdict": "tell", "text": text}
    return EvidenceRecord(1, at, MEM0.rollout, "decision", canonical(said), "", "")


def clinic() -> ReportInput:
    """The second day of the clinic's first phase, with one warning."""
    stay = Stay("10%", 0.1, STARTED, TODAY.end)
    one = Outcome(1, "", STARTED, None, "under way", (stay,))
    lines = guardrail_lines(MEM0, OF_THE_DAY)
    seen = {line.name for line in lines if line.text}
    return ReportInput(
        playbook=MEM0,
        period=TODAY,
        until=TODAY.end,
        now=TODAY.end + timedelta(hours=8),
        waits_for="bakes until 18:35 UTC, then the gate into 50% asks for its criteria and the technical lead",
        outcomes=(one,),
        counted=figures_of([one], TODAY.start, TODAY.end),
        weeks=(),
        told=(
            told(
                TODAY.start + timedelta(hours=3), "latency-p50", "warning", "412 ms for 5 min, above 400 ms"
            ),
        ),
        figures={},
        budgets={},
        guardrails=tuple(line for line in lines if line.name in seen),
    )


DAILY = """\
# \\[CANARY\\] Day 2/5 - mem0-redis Phase 1 Status

mem0-redis (healthcare-clinic-backend), 2025-10-17 00:00 UTC to 2025-10-18 00:00 UTC

## Status

- Phase: 1 (10 % traffic) (attempt 1)
- Date: 2025-10-17 (UTC)
- Status: ⚠️ Issues Detected

## Metrics (last 24 h)

- Median request time: 333.3 ms on average, 360 ms at worst (target: below 500 ms, counted over the whole stage)
- Share of failed requests of 24 hours: 0.4 % on average, 0.6 % at worst (target: below 1 % and not above the figure from before the rollout plus 0.5 percentage points)
- Cache hit rate: 96.67 % on average, 96.2 % at worst (target: above 95 %, counted over the whole stage)
- Share of mem0 writes that succeed: 99.73 % on average, 99.5 % at worst (target: above 99 %, counted over the whole stage)
- Circuit breaker: closed (target: in state closed)

## Issues

- 2025-10-17 03:00 UTC tell latency-p50/warning: 412 ms for 5 min, above 400 ms

## Next steps

- bakes until 18:35 UTC, then the gate into 50% asks for its criteria and the technical lead (as of 2025-10-18 08:00 UTC)

## Dashboard

- https://grafana.example.com/d/mem0-redis
"""
WEEKLY = """\
# Weekly metrics report: aurigraph-v12, week 2025-12-26 - 2026-01-01

aurigraph-v12 (aurigraph), 2025-12-26 00:00 UTC to 2026-01-02 00:00 UTC

## Build metrics

- Builds triggered: 21
- Successful builds: 20 (95.2 %)
- Failed builds: 1 (triggered less successful)
- Average build time: 8.4 minutes
- Code coverage: 95.3 %

## Test metrics

- Unit tests passed: 98.5 %
- Integration tests passed: 81 %
- Test execution time: 4.83 minutes
- Critical tests: 100 %

## Deployment metrics

- Deployments to staging: 1
- Deployments to production: 1 (2 attempts with users' traffic ended)
- Rollbacks: 1
- Mean time to recovery: 20 minutes

## Performance metrics

- Average RPS: 781,204 (guardrail error-rate)
- P95 latency: 187 ms (guardrail latency-p95)
- P99 latency: 412 ms (guardrail latency-p99)
- Error rate: 0.071 % (guardrail error-rate)
- Successful requests: 99.929 % (guardrail success-rate)

## Reliability metrics

- Uptime: 99.993 % (objective availability)
- Incidents: 1
- Mean time between failures: 168 hours
- Mean time to recovery: 20 minutes

## Incidents

- aurigraph-v12-1 (attempt 1), P2, 2025-12-28 14:30 UTC: rollback: error-rate/critical fires: 2.1 % of green's requests fail; 10 % of the traffic; 1,234 requests failed (error-rate); minimal; it took 20 min; closed

## Upcoming

- Next production release: 2026-01-06
- Next load test: 2026-01-25
- Next security scan: 2026-02-10

## Error budget left

- availability: 87 % (of 99.99 % over 30d)
- latency-p95: 87 % (of 95 % over 30d)
- latency-p99: 87 % (of 99 % over 30d)

## Tables

### Daily build tracking

| Date | Build status | Duration | Tests | Coverage | Docker size | Notes |
| --- | --- | --- | --- | --- | --- | --- |
| 2025-12-26 | 1 failed | 8.4 minutes | 98.5 % | 95.3 % | 412 MB |  |
| 2025-12-27 | 1 failed | 8.4 minutes | 98.5 % | 95.3 % | 412 MB |  |

### Performance baseline

| Date | Phase | RPS | P95 latency | Error rate | Notes |
| --- | --- | --- | --- | --- | --- |
| 2025-12-28 | 10% | 781,204 | 187 ms | 0.071 % | attempt 1, from 14:00 for 50 min |
| 2025-12-31 | Staging | 781,204 | 187 ms | 0.071 % | attempt 2, from 00:00 for 1 d |

### Rollback tracking

| Date | Trigger | Duration | Impact | Cause | Marked |
| --- | --- | --- | --- | --- | --- |
| 2025-12-28 14:30 UTC | error-rate/critical fires: 2.1 % of green's requests fail | 20 min | 10 % of the traffic; 1,234 requests failed (error-rate); minimal | a pool too large for gRPC |  |

### Releases per week

| Week of | Releases | Which |
| --- | --- | --- |
| 2025-12-26 | 1 release | attempt 2 (aurigraph:12.1) |
"""


def test_the_clinics_daily_mail_has_its_teams_fields_and_nothing_else() -> None:
    assert markdown(report_of(clinic())) == DAILY


def test_a_day_with_too_few_events_for_a_window_is_on_track_and_says_so_among_its_issues() -> None:
    few = told(TODAY.start, "mem0-writes", "thin", "35 events in its window are too few")
    text = markdown(report_of(replace(clinic(), told=(few,))))
    assert "- Status: ✅ On Track\n" in text
    assert "- 2025-10-17 00:00 UTC tell mem0-writes/thin: 35 events in its window are too few\n" in text


def test_its_message_has_the_subject_and_a_line_for_each_field() -> None:
    message = message_of("k", report_of(clinic()), "", ())
    assert (message.title, [line.text for line in message.lines][:6]) == (
        "[CANARY] Day 2/5 - mem0-redis Phase 1 Status",
        [
            "Status:",
            "• Phase: 1 (10 % traffic) (attempt 1)",
            "• Date: 2025-10-17 (UTC)",
            "• Status: ⚠️ Issues Detected",
            "Metrics (last 24 h):",
            "• Median request time: 333.3 ms on average, 360 ms at worst (target: below 500 ms, counted over the whole stage)",
        ],
    )


AURIGRAPH = playbook("aurigraph-v12")
WEEK = Period("weekly", AURIGRAPH.report.zone, date(2025, 12, 26), date(2026, 1, 1))
FIGURES = {
    "Builds triggered": 21.0,
    "Successful builds": 20.0,
    "Average build time": 504.0,
    "Code coverage": 0.953,
    "Docker image size": 412e6,
    "Unit tests passed": 0.985,
    "Integration tests passed": 0.81,
    "Test execution time": 290.0,
    "Critical tests": 1.0,
    "Average RPS": 781204.0,
    "P95 latency": 0.187,
    "P99 latency": 0.412,
    "Error rate": 0.00071,
    "Successful requests": 0.99929,
    "Uptime": 0.99993,
}


def week() -> ReportInput:
    """A week with one rollback at 10 %, on its third day, and one release."""
    begun = WEEK.start + timedelta(days=2, hours=14)
    failure = Failure(
        1,
        "rollback",
        "error-rate/critical fires: 2.1 % of green's requests fail",
        "10%",
        begun + timedelta(minutes=30),
        begun + timedelta(minutes=50),
        proved=True,
        share=0.1,
        failed=(("error-rate", 1234.0),),
        incident="aurigraph-v12-1",
        user_impact="minimal",
        cause="a pool too large for gRPC",
        severity="P2",
        closed=True,
    )
    bad = Outcome(
        1,
        "aurigraph:12.0",
        begun,
        failure.restored,
        "rolled back",
        (Stay("10%", 0.1, begun, begun + timedelta(minutes=50)),),
        failure,
    )
    again = WEEK.start + timedelta(days=5)
    stays = (
        Stay("0%", 0, again, again + timedelta(hours=24)),
        Stay("10%", 0.1, again + timedelta(hours=24), again + timedelta(hours=36)),
    )
    good = Outcome(2, "aurigraph:12.1", again, again + timedelta(hours=36), "complete", stays)
    counted = figures_of([bad, good], WEEK.start, WEEK.end)
    figures = measured(FIGURES)
    return ReportInput(
        playbook=AURIGRAPH,
        period=WEEK,
        until=WEEK.end,
        now=WEEK.end + timedelta(hours=9),
        waits_for="",
        outcomes=(bad, good),
        counted=counted,
        weeks=((WEEK, counted),),
        told=(),
        figures=figures,
        budgets={one.name: Measured(0.87) for one in AURIGRAPH.objectives},
        guardrails=(),
        days=[DayFigures(day, figures) for day in WEEK.days][:2],
        stays=[StayFigures(bad, bad.stays[0], figures), StayFigures(good, stays[0], figures)],
    )


def test_aurigraphs_weekly_report_has_its_24_fields_and_its_tables_in_their_order() -> None:
    assert markdown(report_of(week())) == WEEKLY
