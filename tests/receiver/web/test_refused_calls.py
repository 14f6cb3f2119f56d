"""What nobody may do is refused over HTTP with its reason, changes nothing, and is a record of the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from guarded import Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT
from handrail.contract import Approval, Gate

LEAD = Approval(role="lead", valid_for=600, four_eyes=True)
BOOK = playbook(environment=ENVIRONMENT, gates=(Gate(into="50%", approvals=(LEAD,)),))
APPROVES = "`handrail rollout approve shop --role lead --seen SEEN`"


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """An attempt in its first stage, whose next gate asks for an approval."""
    with guarded(tmp_path_factory.mktemp("shop"), BOOK) as shop:
        assert shop.call("start")["outcome"] == "done"
        yield shop


def records(shop: Guarded) -> list[dict[str, Any]]:
    """The bodies of all records."""
    said = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
    assert said["whole"]
    return [json.loads(record["body"]) for record in said["records"]]


@pytest.mark.parametrize(
    ("verb", "given", "reason", "text"),
    [
        (
            "promote",
            {"anyway": True, "why": "in a hurry"},
            "not-approved",
            f"nobody has approved as 'lead' ({APPROVES}); --anyway does not go past an approval",
        ),
        (
            "promote",
            {"to": "75%"},
            "other-stage",
            "you meant 75%, and it has no such stage; next comes 50%: --to 50%",
        ),
        (
            "promote",
            {"to": "100%"},
            "other-stage",
            "you meant 100%, which is not the next; next comes 50%: --to 50%",
        ),
        (
            "promote",
            {"to": "10%"},
            "other-stage",
            "you meant 10%, which it has entered; next comes 50%: --to 50%",
        ),
        (
            "approve",
            {"seen": "0123456789ab"},
            "changed",
            "the gate's digest is now SEEN, not 0123456789ab; look at the gate again: `handrail rollout status shop`",
        ),
        (
            "approve",
            {"role": "boss"},
            "unknown-role",
            "say which approval of the gate into 50% you mean with --role ROLE: 1: lead",
        ),
        (
            "start",
            {"anyway": True, "why": "in a hurry"},
            "already-running",
            "attempt 1 is baking in stage 10%; promote it or roll it back",
        ),
        ("retry", {}, "nothing-failed", "nothing failed in attempt 1; promote it"),
    ],
    ids=[
        "a promotion without its approval",
        "a stage that does not exist",
        "a stage that is skipped",
        "a stage that it has entered",
        "an approval of other evidence",
        "an approval as somebody else",
        "a start while another attempt runs",
        "a retry where nothing failed",
    ],
)
def test_a_call_is_refused_and_recorded(
    shop: Guarded, verb: str, given: dict[str, Any], reason: str, text: str
) -> None:
    before, runs = records(shop), shop.runs()
    seen = shop.status()["gate"]["digest"][:12]
    role = "approver" if verb == "approve" else "operator"
    answer = shop.ask("POST", f"/api/rollouts/shop/{verb}", role, json=given)
    said, wanted = answer.json(), text.replace("SEEN", seen)
    assert (answer.status_code, said["verdict"], said["reason"], said["text"]) == (
        409,
        "refuse",
        reason,
        wanted,
    )
    (record,) = records(shop)[len(before) :]
    assert (record["verdict"], record["action"], record["reason"], record["text"], record["by"]) == (
        "refuse",
        verb,
        reason,
        wanted,
        f"{role}-1",
    )
    assert (shop.runs(), shop.weights()) == (runs, (10, 90))


def test_who_has_not_the_role_is_refused_and_recorded_once_a_minute(shop: Guarded) -> None:
    before = records(shop)
    for _ in range(3):
        answer = shop.ask("POST", "/api/rollouts/shop/promote", "viewer", json={})
        assert (answer.status_code, answer.json()) == (
            403,
            {"error": "viewer-1 may not do that; it needs the role operator"},
        )
    assert shop.ask("POST", "/api/rollouts/shop/approve", "operator", json={}).status_code == 403
    assert shop.ask("POST", "/api/rollouts/shop/rollback", "nobody", json={}).status_code == 401
    assert [
        (one["by"], one["action"], one["reason"], one["verdict"]) for one in records(shop)[len(before) :]
    ] == [
        ("viewer-1", "promote", "wrong-role", "refuse"),
        ("operator-1", "approve", "wrong-role", "refuse"),
    ]


def test_an_attempt_that_is_over_can_be_given_nothing_more(shop: Guarded) -> None:
    assert shop.call("abandon", why="the last test")["verdict"] == "act"
    for verb in ("promote", "hold", "resume", "retry"):
        answer = shop.call(verb, why="a test")
        assert (answer["verdict"], answer["reason"]) == ("refuse", "no-attempt")
        assert records(shop)[-1]["text"] == answer["text"]
