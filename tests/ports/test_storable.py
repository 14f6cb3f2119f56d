"""Every store keeps a foreign text that its database refuses, with a mark in place of the refused characters."""

from __future__ import annotations

import json

import pytest
from guarded import NOW
from handrail_receiver.model import Heard, LastSaid, NeedsSomebody, SetHold, Verdict
from handrail_receiver.store import Store
from handrail_receiver.store.chain import first_broken
from ports.store_cases import begun, decision, delivered, judged

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("odd", ["\0", "\ud800"], ids=["NUL", "half of a pair"])
async def test_a_text_that_no_store_may_hold_is_kept_with_its_place_marked(store: Store, odd: str) -> None:
    attempt = (await begun(store)).attempt
    await delivered(store)
    text, kept = f"é {odd}: people must look", "é \ufffd: people must look"
    asked = decision(
        SetHold(text),
        NeedsSomebody("hold", text, "P1"),
        Heard(odd, f"{odd}/critical", firing=True),
        attempt=attempt,
        verdict=Verdict.tell,
        text=text,
    )
    [settled] = await store.inbox.settle(judged(asked), NOW, 10)
    assert [one.reason for one in settled.decisions] == [asked.reason]
    known = await store.attempts.history("shop", NOW)
    assert known.attempt is not None
    assert (known.attempt.held, [one.trigger for one in known.incidents]) == (kept, [kept])
    assert known.said == (LastSaid("\ufffd", "\ufffd/critical", firing=True, at=NOW),)
    records = await store.evidence.read("shop")
    assert first_broken(records) is None
    assert json.loads(records[-1].body)["text"] == kept


@pytest.mark.parametrize("said", ["\\u0000", "\\\\u0000"])
async def test_what_only_looks_like_one_is_kept_as_it_is(store: Store, said: str) -> None:
    await store.evidence.append("shop", "note", {"text": f"{said}\0"}, NOW)
    [record] = await store.evidence.read("shop")
    assert json.loads(record.body) == {"text": f"{said}\ufffd"}
