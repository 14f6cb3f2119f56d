"""Attacks on what people may do by their tokens and approvals, one test each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import servers
from guarded import Guarded, guarded, playbook
from handrail.contract import Approval, Command, Gate, StageFacts

PEOPLE = [(role, name) for name in ("alice", "bob") for role in ("operator", "approver")]


@contextmanager
def approved(folder: Path, valid_for: float = 3600) -> Iterator[Guarded]:
    """A receiver whose gate `lead` approves; alice and bob have a token of each role, under one name each."""
    gate = Gate(into="50%", approvals=(Approval(role="lead", valid_for=valid_for, four_eyes=True),))
    stages = tuple(StageFacts(name=name, weight=None, bake=0) for name in ("10%", "50%"))
    book = playbook(stages=stages, gates=(gate,), steps=[Command(["true"], ["true"])])
    people = folder / "people"
    people.write_text("".join(f"{role} {name} {name}-s-own-{role}-token\n" for role, name in PEOPLE))
    with guarded(folder, book, proxy=False, TOKENS_FILE=f"{folder / 'tokens'},{people}") as shop:
        assert said(shop, "alice", "start") == ("act", "asked-for", "a new attempt, in stage 10%")
        yield shop


def said(shop: Guarded, name: str, verb: str, **given: object) -> tuple[str, str, str]:
    """Verdict, reason and text of a person's call; what is in brackets is left out."""
    token = f"{name}-s-own-{'approver' if verb == 'approve' else 'operator'}-token"
    headers = {"authorization": f"Bearer {token}"}
    answer = shop.ask("POST", f"/api/rollouts/shop/{verb}", "nobody", json=given, headers=headers).json()
    return answer["verdict"], answer["reason"], answer["text"].partition(" (")[0]


def not_promoted(shop: Guarded, name: str = "alice") -> str:
    """Why nothing was promoted, although somebody wanted to go past everything."""
    verdict, reason, text = said(shop, name, "promote", anyway=True, why="I want it")
    assert (verdict, reason) == ("refuse", "not-approved")
    return text


def test_nobody_approves_their_own_change(tmp_path: Path) -> None:
    with approved(tmp_path) as shop:
        assert said(shop, "alice", "approve")[:2] == ("refuse", "own-change")
        assert not_promoted(shop) == "nobody has approved as 'lead'"
        assert said(shop, "bob", "approve")[:2] == ("note", "approved")
        assert not_promoted(shop, "bob") == (
            "bob's approval as 'lead' does not count: whoever starts, promotes or answers a question may not"
            " approve it"
        )
        assert said(shop, "alice", "promote") == ("act", "asked-for", "into stage 50%")


def test_an_approval_is_not_replayed(tmp_path: Path) -> None:
    with approved(tmp_path) as shop:
        said(shop, "bob", "approve")
        said(shop, "alice", "rollback")
        said(shop, "alice", "start")
        again = "bob's approval as 'lead' does not count: "
        assert not_promoted(shop) == f"{again}it was given in attempt 1, and this is attempt 2"
        with closing(sqlite3.connect(tmp_path / "handrail.db")) as by_hand:
            by_hand.execute("UPDATE approved SET number = 2")
            by_hand.commit()
        assert not_promoted(shop) == f"{again}the playbook, or an answer to a question, has changed since"


def until_closed(shop: Guarded, why: str) -> None:
    servers.until(lambda: why in shop.status()["gate"]["asks"][0]["text"], why)


def test_an_approval_ends_with_its_token(tmp_path: Path) -> None:
    with approved(tmp_path) as shop:
        said(shop, "bob", "approve")
        people = tmp_path / "people"
        people.write_text("".join(people.read_text().splitlines(keepends=True)[:-1]))
        until_closed(shop, "the token it was given with may no longer approve")
        assert not_promoted(shop).endswith("the token it was given with may no longer approve")


def test_an_approval_ends_with_its_time(tmp_path: Path) -> None:
    with approved(tmp_path, valid_for=1) as shop:
        said(shop, "bob", "approve")
        until_closed(shop, "does not count: it expired ")
        assert "does not count: it expired " in not_promoted(shop)


def test_a_token_is_exchanged_without_a_gap(tmp_path: Path) -> None:
    with guarded(tmp_path, proxy=False) as shop:
        tokens = tmp_path / "tokens"
        both = tokens.read_text() + "alertmanager new a-new-token-for-alertmanager\n"
        new = {"authorization": "Bearer a-new-token-for-alertmanager"}

        def answers() -> tuple[int, int]:
            return shop.deliver().status_code, shop.deliver(role="nobody", headers=new).status_code

        assert answers() == (200, 401)
        tokens.write_text(both)
        servers.until(lambda: answers() == (200, 200), "both tokens")
        tokens.write_text("\n".join(line for line in both.splitlines() if "alertmanager-1" not in line))
        servers.until(lambda: answers() == (401, 200), "the new token alone")
