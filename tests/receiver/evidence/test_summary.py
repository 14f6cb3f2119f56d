"""A bundle's summary: the document that people sign, for an hour that passes and for one that is rolled back."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import CheckFacts, DashboardFacts
from handrail_receiver.evidence.bundle import Contents, RunsFile
from handrail_receiver.evidence.snapshot import digest_of, playbook_digest
from handrail_receiver.view_models.schemas import StepView

from .kept import book
from .made import (
    ATTEMPT,
    ENTERED,
    RUN,
    START,
    at_gate,
    bundle,
    chained,
    contents,
    named,
    of_index,
    read,
    taken,
)
from .test_bursts_kept import RUN as BURST
from .test_bursts_kept import RUSH

DASHBOARDS = (
    DashboardFacts(title="Shop", url="https://dashboards.example/shop"),
    DashboardFacts(title="Shop: carts", url="https://dashboards.example/shop-carts"),
)
HOUR = book(
    bursts=(RUSH,),
    dashboards=DASHBOARDS,
    checks=tuple(CheckFacts(at=60 * minute, name=f"T+{minute}", stage="10%") for minute in (1, 2, 3)),
)
SPLIT = StepView(
    kind="command",
    what="$ railway service update relay --traffic-split main:100,r0.5-hotfix:0",
    state="done",
    found="sh exited with 1: main:10,r0.5-hotfix:90 → 0: main:100,r0.5-hotfix:0",
    cause=None,
)
SAID = {"guardrail": "", "tier": "", "attempt": 7}

PASSED = """\
# shop, attempt 3: summary

|  |  |
| --- | --- |
| State | complete, stage 100% |
| Started | 2026-03-01 02:56:00 UTC by alice |
| Made | 2026-03-01 03:00:00 UTC |
| Artifact | sha256:cafe |
| Runbook | https://runbooks.example/shop |
| Evidence | evidence.json, up to record 48, HEAD |

## Missing

- check T+3 of stage 10%: it was never made

## Traffic

As it was counted: before canary 10 %, stable 90 %; after canary 10 %, stable 90 %.

| at | to | step | read back |
| --- | --- | --- | --- |
| 2026-03-01 03:00:00 UTC | promote 100% | $ railway service update relay --traffic-split main:100,r0.5-hotfix:0 | done: sh exited with 1: main:10,r0.5-hotfix:90 → 0: main:100,r0.5-hotfix:0 |

## Dashboards

At the time of the attempt. report.html has the plots, also without a Grafana.

- [Shop](https://dashboards.example/shop?from=1772333760000&to=1772334000000)
- [Shop: carts](https://dashboards.example/shop-carts?from=1772333760000&to=1772334000000)

## Alert rules

- 2026-03-01 03:00:00 UTC, record 42: Prometheus had loaded exactly the generated rules (digest be865569addd1017b5db4bcd89b8dce0)

| alert | limit | asks for |
| --- | --- | --- |
| error-rate/critical | above 5 % | rollback |

## Load bursts

- BREACH: load burst rush of stage 10%: done; 3 of 3 sent, 2 failed; p95 0.2 s of 2: 33.33 % well, 150 ms on average; bursts/44.log and .json

## Checks

| check | due | error-rate | instances | found | file |
| --- | --- | --- | --- | --- | --- |
| T+1, stage 10% | 2026-03-01 02:54:00 UTC | 0.01 OK | unknown | OK | snapshots/43.json |
| T+2, stage 10% | 2026-03-01 02:55:00 UTC | 0.08 BREACH | unknown | not OK: error-rate/critical is broken at 0.08, above 5 % | snapshots/45.json |
| T+3, stage 10% | 2026-03-01 02:56:00 UTC |  |  | never made |  |

## Decisions

- 2026-03-01 02:52:00 UTC, record 40, by alice: a new attempt, in stage 10%
- 2026-03-01 02:59:00 UTC, record 47, by carol: into stage 100%
  - met: error-rate: below 0.5 %, 0.02 at the end

## Sign-off

- 2026-03-01 02:58:00 UTC, record 46: bob approved stage 100% as 'release-owner': all \\*green\\*

## Promotions

| what | by | why | decided | acted | proved | ended |
| --- | --- | --- | --- | --- | --- | --- |
| promote 100% | carol | into stage 100% | 2026-03-01 03:00:00 UTC | 03:00:00.000 | - | done: all done |

## Rollbacks

None.
"""
BACK = """\
- 2026-03-01 02:56:00 UTC, record 40, by alice: a new attempt, in stage 10%
- 2026-03-01 02:59:00 UTC, record 43: error-rate/critical fires: rollback

## Sign-off

Nobody answered or approved anything.

## Promotions

| what | by | why | decided | acted | proved | ended |
| --- | --- | --- | --- | --- | --- | --- |
| start 10% | alice | a new attempt, in stage 10% | 2026-03-01 02:56:00 UTC | 02:57:00.000 | - | done: every step is done |

## Rollbacks

| what | by | why | decided | acted | proved | ended |
| --- | --- | --- | --- | --- | --- | --- |
| rollback | alert | error-rate/critical fires: rollback | 2026-03-01 03:00:00 UTC | 03:00:00.000 | - | done: all done |
"""


def passed() -> Contents:
    """A stage in which one check was well and one was not, one was never made; then a person signs and another promotes."""
    well, bad, begun, last = (
        one.model_copy(update={"playbook": playbook_digest(HOUR)})
        for one in (
            taken((), (0.01,) * 7),
            taken(()),
            taken((40,), (0.01,) * 7),
            taken((46, 47), (0.02,) * 7),
        )
    )
    at_end = at_gate(last, "met")
    burst = BURST.record(digest_of(BURST.log())).model_dump(mode="json")
    checked = {"scheduled": "7/1/60", "stage": "10%"}
    approved = {
        **SAID,
        "verdict": "note",
        "reason": "approved",
        "text": "bob approved stage 100% as 'release-owner': all *green*",
        "action": "approve",
        "by": "bob",
    }
    promoted = {
        **SAID,
        "verdict": "act",
        "reason": "asked-for",
        "text": "into stage 100%",
        "action": "promote",
        "by": "carol",
    }
    chain = chained(
        [
            ("decision", START),
            ("outcome", ENTERED),
            ("snapshot", named(begun)),
            ("check", {**named(well), **checked, "check": "T+1", "ok": True}),
            ("burst", burst),
            ("check", {**named(bad), **checked, "check": "T+2", "ok": False}),
            ("decision", approved),
            ("decision", promoted),
            ("snapshot", named(at_end)),
        ]
    )
    run = RUN.model_copy(
        update={
            "action": "promote",
            "key": "100%",
            "asked_by": "carol",
            "reason": "into stage 100%",
            "steps": [SPLIT],
        }
    )
    return replace(
        contents(playbook=HOUR, attempt=ATTEMPT.model_copy(update={"state": "complete", "stage": "100%"})),
        chain=chain,
        snapshots={42: begun.text(), 43: well.text(), 45: bad.text(), 48: at_end.text()},
        bursts={44: BURST.log()},
        runs=RunsFile(runs=(run,)),
    )


def test_an_hour_that_passes_is_a_document_to_sign_off() -> None:
    files = bundle(passed())
    _, head = read(files["bundle.json"].decode())["head"]
    assert files["summary.md"].decode().replace(head, "HEAD") == PASSED


def test_one_that_goes_back_says_why_and_what_it_took() -> None:
    text = bundle(contents())["summary.md"].decode()
    assert text.partition("## Decisions\n\n")[2] == BACK


def test_without_arms_the_split_is_what_the_platform_listed() -> None:
    unseen = replace(contents(playbook=book(arms=None)), snapshots={})
    lines = [one for one in of_index(unseen).missing if "split" in one]
    nothing = replace(unseen, runs=RunsFile(runs=()))
    assert (lines, [one for one in of_index(nothing).missing if "split" in one]) == (
        [],
        ["the split of the traffic before and after: it was never seen"],
    )
