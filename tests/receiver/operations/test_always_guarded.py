"""A rollout without stages is guarded from the first minute; where it cannot be, each reason is reported once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Inbox
from guarded import NOW, Guarded, guarded, playbook
from handrail.contract import Command, Tell, Webhook
from handrail_receiver.model import Conditions, EvidenceRecord, History, LastTold, Verdict, last_told
from handrail_receiver.operations.always_guarded import begin_guarding
from handrail_receiver.operations.call import Call

BOOK = playbook(stages=())
UNREADY = Call(
    "start", "handrail", no_way_back=("rollback, http: no answer",), causes=("PUT https://a: timeout",)
)


@pytest.mark.parametrize(
    ("causes", "verdict"),
    [
        (None, Verdict.tell),
        (("PUT https://a: timeout",), Verdict.repeat),
        (("PUT https://a: refused",), Verdict.tell),
        ((), Verdict.tell),
    ],
    ids=["never said", "said before", "another reason", "one more reason"],
)
def test_a_reason_is_said_when_it_is_new(causes: tuple[str, ...] | None, verdict: Verdict) -> None:
    said = None if causes is None else LastTold(NOW, "it is not guarded", causes)
    made = begin_guarding(UNREADY, BOOK, History(), Conditions(NOW), said)
    assert (made.verdict, made.reason, made.changes) == (verdict, "not-ready", ())
    if verdict == Verdict.tell:
        assert made.text == (
            "it is not guarded: rollback, http: no answer; fix it, or say `handrail rollout start shop --anyway"
            ' --why "…"`'
        )


def test_what_was_said_last_is_found_among_other_records() -> None:
    def record(**body: object) -> EvidenceRecord:
        return EvidenceRecord(1, NOW, "shop", "decision", json.dumps({"text": "x", **body}), "", "")

    ours = record(by="handrail", causes=["a: timeout"])
    others = [record(by="alice"), record(by="handrail"), record(by="alice", causes=["b: refused"])]
    assert last_told([record(by="handrail", causes=["old"]), ours, *others]) == LastTold(
        NOW, "x", ("a: timeout",)
    )
    assert last_told(others) is None


@contextmanager
def always_guarded(folder: Path, inbox: Inbox, step: Command) -> Iterator[Guarded]:
    """A receiver that guards a rollout without stages, and tells of its rollbacks."""
    book = playbook(stages=(), steps=[step])
    tell = (Tell(Webhook(inbox.url)),)
    told = tuple(action.model_copy(update={"tell": tell}) for action in book.actions)
    with guarded(folder, book.model_copy(update={"actions": told}), proxy=False) as shop:
        yield shop


def heard(inbox: Inbox) -> list[tuple[str, str]]:
    """Status and title of each message."""
    return [
        (one.json["data"]["status"], one.json["data"]["title"].partition(": date")[0])
        for one in inbox.requests
    ]


def decisions(shop: Guarded) -> list[dict[str, Any]]:
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return [json.loads(record["body"]) for record in records if record["kind"] == "decision"]


def test_people_hear_once_that_it_is_not_guarded_again_of_another_reason_and_when_it_is(
    tmp_path: Path,
) -> None:
    looked = ["sh", "-c", f"touch {tmp_path / 'looked'}; date +%s.%N; exit 1"]
    refused = Command(["true"], ["true"], can=looked)
    missing = Command(["no-such-program"], ["true"])
    title = "shop: it is not guarded: rollback, command: "
    with Inbox() as inbox:
        with always_guarded(tmp_path, inbox, refused) as shop:
            servers.until(lambda: len(heard(inbox)) == 1, "the message")
            [(status, text)] = heard(inbox)
            assert (status, text.startswith(f"{title}sh exited with 1")) == ("open", True)
            assert shop.metric("handrail_rollback_ready") == {'{rollout="shop"}': 0.0}
            page = shop.ask("GET", "/rollouts/shop", "viewer").text
            assert "should always be guarded, and it is not" in page
            assert (shop.status()["attempt"], len(decisions(shop))) == (None, 1)
        (tmp_path / "looked").unlink()
        with always_guarded(tmp_path, inbox, refused) as shop:
            servers.until((tmp_path / "looked").exists, "the rehearsal")
            shop.call("drill")
        with always_guarded(tmp_path, inbox, missing) as shop:
            servers.until(lambda: len(heard(inbox)) > 1, "the other reason")
            assert [one["by"] for one in decisions(shop)] == ["handrail", "operator-1", "handrail"]
        with always_guarded(tmp_path, inbox, Command(["true"], ["true"])) as shop:
            servers.until(lambda: len(heard(inbox)) > 2, "the end")
            assert shop.status()["attempt"]["number"] == 1
            assert shop.metric("handrail_rollback_ready") == {'{rollout="shop"}': 1.0}
    assert heard(inbox)[1][1].startswith(f"{title}no-such-program is not here")
    assert heard(inbox)[2:] == [("resolved", "shop: it is guarded now")]
