"""An incident's draft has the fields of an incident log, in its order."""

from __future__ import annotations

from datetime import timedelta

from handrail_receiver.evidence.postmortem import draft
from handrail_receiver.model import Acknowledged, Closed, Impact, Incident

from .kept import NOW
from .made import taken

INCIDENT = Incident(
    id="aurigraph-v12-7",
    rollout="aurigraph-v12",
    attempt=7,
    number=3,
    opened=NOW,
    asked=NOW,
    action="rollback",
    trigger="error-rate/critical fires: 2.1 % of green's requests fail",
    by="alert",
    source="error-rate/critical",
    severity="P2",
    stage="10%",
    acknowledged=Acknowledged(NOW + timedelta(minutes=5), "sam", timedelta(minutes=5)),
    impact=Impact(
        began=NOW - timedelta(minutes=6),
        ended=NOW + timedelta(minutes=14),
        share=0.1,
        failed={"error-rate": 1234.0},
    ),
    notes={
        "cause": "a pool too large for gRPC",
        "fix": "pool of 50 in place of 100",
        "prevention": "a load test before each canary",
        "user_impact": "minimal",
        "review": "2026-03-02",
        "attendees": "DevOps, SRE, backend",
    },
    follow_ups=("alert on a pool that is nearly full",),
    false_rollback=False,
    closed=Closed(NOW + timedelta(hours=1), "sam", "traffic is back"),
)
HAPPENED = [
    (NOW, "error-rate critical decided: rollback"),
    (NOW + timedelta(minutes=14), "rollback proved: green has no traffic"),
]


WHOLE = """\
# Incident aurigraph-v12-7: error-rate/critical fires: 2.1 % of green's requests fail

| | |
|---|---|
| Opened | 2026-03-01 03:00:00 UTC |
| Severity | P2 |
| Status | closed by sam, 2026-03-01 04:00:00 UTC: traffic is back |
| Description | rollback: error-rate/critical fires: 2.1 % of green's requests fail (error-rate/critical) |
| Rollout | aurigraph-v12, attempt 3, stage 10% |
| Acknowledged | by sam, 2026-03-01 03:05:00 UTC, after 5 min |
| False rollback | no |

## Timeline

All times are UTC.

- 2026-03-01 03:00:00 error-rate critical decided: rollback
- 2026-03-01 03:14:00 rollback proved: green has no traffic

## Impact

- Duration: 20 min
- Began: 2026-03-01 02:54:00 UTC
- Ended: 2026-03-01 03:14:00 UTC
- Traffic: 10 %
- Failed requests: 1234 (error-rate)
- What people noticed: minimal

## Figures when it was decided

| guardrail | tier | figure | of | limit | verdict |
|---|---|---|---|---|---|
| error-rate | critical | 0.08 | 100 | above 5 % | broken |

## Cause

a pool too large for gRPC

## Fix

pool of 50 in place of 100

## Prevention

a load test before each canary

## Review

- Date: 2026-03-02
- Attendees: DevOps, SRE, backend
- Action items:
  - [ ] alert on a pool that is nearly full
"""
BARE = """\
# Incident shop-1: it broke

| | |
|---|---|
| Opened | 2026-03-01 03:00:00 UTC |
| Severity | none is declared |
| Status | open |
| Description | rollback: it broke (asked by sam) |
| Rollout | shop, attempt 1 |
| Acknowledged | by nobody |
| False rollback | _nobody has said yet_ |

## Timeline

All times are UTC.


## Impact

- Impact: not known yet: it is computed half a minute after the rollback succeeded
- What people noticed: _nobody has said yet_

## Figures when it was decided

Unknown: nothing was kept of what Prometheus had recorded then.

## Cause

_nobody has said yet_

## Fix

_nobody has said yet_

## Prevention

_nobody has said yet_

## Review

- Date: _nobody has said yet_
- Attendees: _nobody has said yet_
- Action items: _nobody has said yet_
"""


def test_a_draft_has_the_fields_of_an_incident_log_in_its_order() -> None:
    assert draft(INCIDENT, HAPPENED, taken(())) == WHOLE


def test_what_nobody_has_said_has_its_place() -> None:
    bare = Incident("shop-1", "shop", 1, 1, NOW, NOW, "rollback", "it broke", "sam")
    assert draft(bare, [], None) == BARE


def test_a_draft_of_a_long_attempt_says_that_its_beginning_is_missing() -> None:
    made = draft(INCIDENT, HAPPENED, None, cut=True).splitlines()
    place = made.index("All times are UTC.")
    assert made[place + 2] == (
        "What is older than the newest 500 records of the attempt is missing here;"
        " `handrail rollout bundle aurigraph-v12 DIR --attempt 3` has all."
    )
    assert "Unknown: it is not among the newest 500 records of the attempt." in made
