"""Relay's hour in one bundle: each artefact of its team is a file of it or a section of its summary, or is named as missing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail.contract import Playbook
from handrail_receiver.evidence.bundle import Contents, RunsFile, SeriesFile
from handrail_receiver.evidence.burst import BurstRun, SentRequest
from handrail_receiver.evidence.snapshot import Snapshot, TierSeen, digest_of, playbook_digest
from handrail_receiver.view_models.schemas import StepView

from .kept import NOW, series
from .made import ATTEMPT, RUN, START, bundle, chained, contents, named, of_index, taken

BOOK = Playbook.model_validate_json(
    (Path(__file__).parents[3] / "generated/playbook/relay-r1.json").read_text()
)
(BURST,) = BOOK.bursts
USERS = [
    SentRequest(user, number, NOW, 0.2, 200)
    for user in range(1, BURST.users + 1)
    for number in range(1, 1 + BURST.requests // BURST.users)
]
RUSH = BurstRun(BURST, 7, "7/1/burst/5%/300/T+5", False, NOW, NOW, "done", "", tuple(USERS))
FIGURES = {
    "ttfv-p95": "0.85",
    "rls-errors": "0",
    "sse-success": "0.998",
    "cross-tenant": "0",
    "ann-p95": "0.14",
    "db-pool": "0.41",
    "rerank-skips": "0.002",
}
SPLIT = {
    share: StepView(
        kind="command",
        what=f"$ railway service update relay --traffic-split {share}",
        state="done",
        found=f"sh exited with 1: {before} → 0: {share}",
        cause=None,
    )
    for before, share in (
        ("main:0,r0.5-hotfix:100", "main:5,r0.5-hotfix:95"),
        ("main:5,r0.5-hotfix:95", "main:100,r0.5-hotfix:0"),
    )
}
SIGNED = {
    "verdict": "note",
    "reason": "approved",
    "text": "bob approved stage 100% as 'release-owner'",
    "action": "approve",
    "by": "bob",
}
PROMOTED = {
    "verdict": "act",
    "reason": "asked-for",
    "text": "into stage 100%",
    "action": "promote",
    "by": "bob",
}
ABOUT = {"guardrail": "", "tier": "", "attempt": 7}


def seen(*of: int) -> Snapshot:
    """A snapshot in which each guardrail of relay is well."""
    tiers = tuple(
        TierSeen(
            guardrail=facts.name,
            tier=tier.tier,
            action=tier.action,
            query=tier.expr,
            limits=tuple(limit.text for limit in tier.limits),
            verdict="within",
            value=FIGURES[facts.name],
            count="800",
            unit=facts.unit,
        )
        for facts in BOOK.guardrails
        for tier in facts.tiers
        if tier.limits
    )
    up = tuple(
        series({"job": f"relay-{page}", "instance": "relay:8000"}, [1], "up")
        for page in ("memory", "system", "sse")
    )
    known = taken(of, (0.01,) * 7)
    return known.model_copy(
        update={
            "measures": (*known.measures, *up),
            "rollout": "relay-r1",
            "stage": "5%",
            "tiers": tiers,
            "split": (),
            "playbook": playbook_digest(BOOK),
        }
    )


def hour(without: str = "") -> Contents:
    """The hour from the start to the promotion, without the check or burst of this name."""
    bodies: list[tuple[str, Mapping[str, Any]]] = [
        ("decision", {**START, "artifact": "main@4f2a9c1"}),
        (
            "outcome",
            {"action": "start", "key": "5%", "round": 0, "attempt": 7, "outcome": "done", "text": "done"},
        ),
    ]
    texts, logs = {}, {}
    for check in BOOK.checks_of("5%"):
        if check.label != without:
            texts[40 + len(bodies)] = seen().text()
            bodies.append(
                (
                    "check",
                    {
                        **named(seen()),
                        "scheduled": f"7/{check.at}",
                        "stage": "5%",
                        "check": check.label,
                        "ok": True,
                    },
                )
            )
        if check.at == BURST.at and without != "burst":
            logs[40 + len(bodies)] = RUSH.log()
            bodies.append(("burst", RUSH.record(digest_of(RUSH.log())).model_dump(mode="json")))
    first = 40 + len(bodies)
    last = seen(40, first, first + 1)
    texts[first + 2] = last.text()
    bodies += [
        ("decision", {**ABOUT, **SIGNED}),
        ("decision", {**ABOUT, **PROMOTED}),
        ("snapshot", named(last)),
        (
            "outcome",
            {"action": "promote", "key": "100%", "round": 0, "attempt": 7, "outcome": "done", "text": "done"},
        ),
    ]
    runs = [
        RUN.model_copy(
            update={"action": action, "key": stage, "asked_by": "bob", "reason": "asked for", "steps": [step]}
        )
        for (action, stage), step in zip((("start", "5%"), ("promote", "100%")), SPLIT.values(), strict=True)
    ]
    return replace(
        contents(
            playbook=BOOK,
            attempt=ATTEMPT.model_copy(update={"rollout": "relay-r1", "artifact": "main@4f2a9c1"}),
        ),
        chain=chained(bodies, apart=timedelta(minutes=5)),
        runs=RunsFile(runs=tuple(runs)),
        snapshots=texts,
        bursts=logs,
        series=SeriesFile(step=15, series=()),
    )


def sections(summary: str) -> dict[str, str]:
    """Each section of a summary by its heading."""
    _, *parts = re.split(r"^## (.+)\n\n", summary, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_artefact_of_relays_team_is_in_one_bundle() -> None:
    files = {name: text.decode() for name, text in bundle(hour()).items()}
    found = sections(files["summary.md"])
    checks = [
        line.split(" | ")[-1].strip(" |") for line in found["Checks"].splitlines() if line.startswith("| T+")
    ]
    assert [line.split(" | ")[-3] for line in found["Checks"].splitlines() if line.startswith("| T+")] == [
        "3 of 3 up"
    ] * 12
    assert found["Complete"] == "Nothing is missing.\n\n"
    assert "| Artifact | main@4f2a9c1 |" in files["summary.md"]
    assert [line.split(" | ")[2:] for line in found["Traffic"].splitlines()[2:] if line] == [
        [step.what, f"done: {step.found} |"] for step in SPLIT.values()
    ]
    assert re.findall(r"^- \[(.+)\]\(https://grafana", found["Dashboards"], re.MULTILINE) == [
        one.title for one in BOOK.dashboards
    ]
    assert found["Alert rules"].count("\n| ") == 2 + len(FIGURES)
    assert "Prometheus had loaded exactly the generated rules" in found["Alert rules"]
    assert found["Load bursts"] == (
        "- OK: load burst T+5 of stage 5%: done; 100 of 100 sent, 0 failed; p95 0.2 s of 100: 100 % well, "
        "200 ms on average; bursts/43.log and .json\n\n"
    )
    assert (files["bursts/43.log"].count(" ok "), json.loads(files["bursts/43.json"])["sent"]) == (100, 100)
    assert (len(checks), set(checks) <= set(files)) == (12, True)
    assert found["Checks"].rstrip().splitlines()[-1].split(" | ")[2:-3] == [
        "850 ms OK",
        "0 OK",
        "99.8 % OK",
        "0 OK",
        "140 ms OK",
        "41 % OK",
        "0.2 % OK",
    ]
    assert "into stage 100%" in found["Decisions"]
    assert "bob approved stage 100% as 'release-owner'" in found["Sign-off"]
    assert ("| promote 100% | bob |" in found["Promotions"], found["Rollbacks"]) == (True, "None.\n")


def test_what_was_not_made_of_them_is_named() -> None:
    assert of_index(hour(without="T+30")).missing == ("check T+30 of stage 5%: it was never made",)
    assert of_index(hour(without="burst")).missing == ("load burst T+5 of stage 5%: it was never made",)
