"""A declared check that was made → what people are sent: each guardrail, probe and target, and what they must answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from guarded import NOW, playbook
from handrail.contract import CheckFacts, Gate, Question, StageFacts
from handrail_receiver.evidence.check import check_view
from handrail_receiver.evidence.snapshot import (
    ArmShare,
    ProbeSeen,
    RulesSeen,
    Snapshot,
    SnapshotRecord,
    TargetSeen,
    TierSeen,
)
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.telling.channel import Plain
from handrail_receiver.telling.check_message import check_message
from handrail_receiver.telling.compose import IncidentSubject
from handrail_receiver.telling.incident import Link
from handrail_receiver.telling.render import render

SUBJECT = IncidentSubject("shop", "shop", (Link("Runbook", "https://runbooks.example/shop"),))
BOOK = playbook(
    stages=(StageFacts(name="10%", weight=0.1, bake=3600), StageFacts(name="50%", weight=0.5, bake=None)),
    checks=(CheckFacts(at=900, name="T+15", stage="10%", questions=("Is the queue short?",)),),
    gates=(
        Gate(into="50%", manual=("Ready?",), checklist=(Question(text="T+15: Is the queue short?", at=900),)),
    ),
)


def tier(guardrail: str, name: str, verdict: str, value: str = "0.02", **more: Any) -> TierSeen:
    given: dict[str, Any] = {
        "guardrail": guardrail,
        "tier": name,
        "action": "rollback",
        "query": "q",
        "limits": ("above 5 %",) if name != "blind" else (),
        "verdict": verdict,
        "value": value,
        "unit": "ratio",
    }
    return TierSeen(**{**given, **more})


def taken(*tiers: TierSeen, **more: Any) -> Snapshot:
    given: dict[str, Any] = {
        "rollout": "shop",
        "attempt": 7,
        "of": (),
        "by": "handrail",
        "why": "T+15 of stage 10%",
        "at": NOW,
        "start": NOW - timedelta(minutes=15),
        "end": NOW,
        "step": 15,
        "stage": "10%",
        "playbook": "p",
        "rules": RulesSeen(generated="g", loaded=("g",), text=""),
        "artifact": "",
        "asked": 0.1,
        "split": (ArmShare(arm="canary", per_second=5, share=0.1),),
        "fires": (),
        "tiers": tiers,
        "measures": (),
        "missing": (),
    }
    return Snapshot(**{**given, **more})


def message(found: Snapshot) -> list[str]:
    said = SnapshotRecord(
        attempt=7,
        of=(),
        by="handrail",
        text=found.summary(),
        snapshot="s",
        why=found.why,
        scheduled="7/1/900/T+15",
        stage="10%",
        check="T+15",
        ok=found.ok,
    )
    record = EvidenceRecord(12, NOW, "shop", "check", said.model_dump_json(), "", "")
    told = check_message("shop/check/12", SUBJECT, record, found.text(), BOOK)
    assert (told.status, told.pressing) == ("checked", False)
    return render(None, told, Plain(), 4000).splitlines()


def test_a_check_that_is_well_says_each_figure_and_what_people_must_answer() -> None:
    health = ProbeSeen(name="health", url="u", verdict="ok", text="answered 200", seconds=0.1)
    weight = TargetSeen(
        step="HAProxy web/canary: weight 10", as_asked=True, text="HAProxy web/canary: weight 10"
    )
    found = taken(
        tier("error-rate", "critical", "within"),
        tier("error-rate", "blind", "sees"),
        probes=(health,),
        targets=(weight,),
    )
    assert message(found) == [
        "shop: T+15 of stage 10%: OK",
        "shop (shop)",
        "",
        "OK error-rate: 2 % (limit: above 5 %)",
        "OK probe health: answered 200",
        "as asked: HAProxy web/canary: weight 10",
        "traffic: canary 10 %",
        "fires: nothing",
        "rules: Prometheus has loaded those generated",
        "to answer: T+15: Is the queue short? (handrail rollout check shop --item 2)",
        "Runbook: https://runbooks.example/shop",
    ]


def test_what_is_broken_blind_or_unknown_is_said_and_is_not_well() -> None:
    found = taken(
        tier("error-rate", "warning", "broken", "0.07", limits=("above 1 %",)),
        tier("error-rate", "critical", "broken", "0.07"),
        tier("latency", "warning", "broken", "0.02"),
        tier("users", "critical", "blind", ""),
        tier("users", "blind", "blind", ""),
        tier("pool", "critical", "unknown", ""),
        tier("tried", "critical", "broken", shadow=True),
        fires=None,
        split=(),
        probes=(
            ProbeSeen(
                name="health", url="u", verdict="failed", text="answered 503, and not 200", seconds=0.1
            ),
        ),
    )
    assert message(found)[:8] == [
        "shop: T+15 of stage 10%: not OK",
        "shop (shop)",
        "",
        "BREACH error-rate: 7 % (above 5 %)",
        "WARNING latency: 2 % (above 5 %)",
        "BLIND users: no figure (above 5 %)",
        "UNKNOWN pool: no figure (above 5 %)",
        "FAILED probe health: answered 503, and not 200",
    ]


def test_a_shadow_and_what_it_fires_make_no_check_bad_and_an_unknown_makes_each() -> None:
    shadow = tier("tried", "critical", "broken", shadow=True)
    assert taken(shadow, fires=("tried/critical",)).ok
    assert not taken(fires=None).ok
    assert not taken(fires=("error-rate/critical",)).ok
    assert not taken(missing=("what fires: Prometheus does not answer",)).ok
    unread = TargetSeen(step="HAProxy web/canary: weight 10", as_asked=None, text="it does not answer")
    assert not taken(targets=(unread,)).ok


def test_a_figure_beyond_a_limit_is_never_ok_and_what_does_not_fire_yet_is_pending() -> None:
    found = taken(
        tier("error-rate", "warning", "beyond", limits=("above 1 %",)),
        tier("error-rate", "critical", "within"),
        tier("latency", "critical", "broken", "0.07"),
        tier("users", "critical", "broken", "0.07"),
        fires=("users/critical",),
    )
    assert message(found)[:6] == [
        "shop: T+15 of stage 10%: not OK",
        "shop (shop)",
        "",
        "WARNING error-rate: 2 % (above 1 %), its rule does not hold",
        "BREACH latency: 7 % (above 5 %), pending",
        "BREACH users: 7 % (above 5 %)",
    ]
    assert found.summary() == (
        "error-rate/warning is beyond its limit at 2 %, above 1 %, its rule does not hold; "
        "latency/critical is broken at 7 %, above 5 %, pending; users/critical is broken at 7 %, above 5 %; "
        "1 of 4 tiers within their limits"
    )
    told = {one.tier: (one.verdict, one.fires, one.pending) for one in check_view(found).tiers[:2]}
    assert told == {"warning": ("beyond", False, False), "critical": ("within", False, False)}
    assert [(one.fires, one.pending) for one in check_view(found).tiers[2:]] == [(False, True), (True, False)]
    assert not taken(tier("error-rate", "warning", "beyond")).ok
