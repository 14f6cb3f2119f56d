"""One suite for every store: what people said about a gate is kept, for the attempt they spoke of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW
from handrail_receiver.model import Approved, AttemptState, Checked, SetState
from handrail_receiver.store import Store, open_store
from ports.store_cases import LATER, begun, by_hand, decision

pytestmark = pytest.mark.anyio

CHECKED = Checked(1, "50%", "Is it quiet?", passed=True, by="bob", at=NOW, note="looked")
APPROVED = Approved(
    1, "50%", "lead", "carol", NOW, NOW + timedelta(hours=1), digest="d1", token="t1", note="go"
)


async def said(store: Store, *words: Checked | Approved) -> None:
    for word in words:
        await store.attempts.apply("shop", lambda _, word=word: decision(word), word.at)  # type: ignore[misc]


async def test_answers_and_approvals_are_kept_as_they_were_given(store: Store) -> None:
    await begun(store)
    await said(store, CHECKED, APPROVED)
    history = await store.attempts.history("shop", NOW)
    assert (history.checked, history.approved) == ((CHECKED,), (APPROVED,))
    assert (await store.attempts.history("another", NOW)).checked == ()


async def test_the_last_word_counts_on_each_question_and_for_each_role(store: Store) -> None:
    await begun(store)
    other = replace(CHECKED, question="Is it dark?")
    failed = replace(CHECKED, passed=False, by="dave", at=LATER, note="no")
    again = replace(APPROVED, by="erin", at=LATER, until=LATER, digest="d2", token="t2", note="")
    await said(store, CHECKED, other, APPROVED, failed, again)
    history = await store.attempts.history("shop", NOW)
    assert (history.checked, history.approved) == ((other, failed), (again,))


async def test_before_the_first_attempt_people_speak_of_the_one_that_begins_next(store: Store) -> None:
    await said(store, CHECKED, APPROVED)
    before = await store.attempts.history("shop", NOW)
    assert (before.attempt, before.speaks_of, before.checked) == (None, 1, (CHECKED,))
    await begun(store)
    after = await store.attempts.history("shop", NOW)
    assert (after.checked, after.approved) == ((CHECKED,), (APPROVED,))


async def test_what_was_said_in_an_attempt_is_not_said_in_the_next(store: Store) -> None:
    attempt = (await begun(store)).attempt
    await said(store, CHECKED, APPROVED)
    over = decision(SetState(AttemptState.rolled_back), attempt=attempt)
    await store.attempts.apply("shop", lambda _: over, NOW)
    between = await store.attempts.history("shop", NOW)
    assert (between.speaks_of, between.checked, between.approved) == (2, (), (APPROVED,))
    await begun(store)
    await store.attempts.apply("shop", lambda _: replace(over, attempt=attempt + 1), NOW)
    assert (await store.attempts.history("shop", NOW)).approved == ()


async def test_what_was_known_when_it_was_decided_stands_in_the_evidence(store: Store) -> None:
    made = decision(known={"gate": {"into": "50%", "missing": ["lead"]}})
    await store.attempts.apply("shop", lambda _: made, NOW)
    (record,) = await store.evidence.read("shop")
    assert json.loads(record.body)["gate"] == {"into": "50%", "missing": ["lead"]}


async def test_a_store_of_the_version_before_gates_is_brought_up_to_date(store: Store, url: str) -> None:
    attempt = (await begun(store)).attempt
    await store.engine.close()
    for statement in (
        "DROP TABLE checked",
        "DROP TABLE approved",
        "DELETE FROM migration WHERE name = '0002_gates.sql'",
    ):
        by_hand(url, statement)
    newer = open_store(url, 5)
    newer.engine.start()
    await said(newer, CHECKED)
    history = await newer.attempts.history("shop", NOW)
    assert history.attempt is not None
    assert (history.attempt.id, history.checked) == (attempt, (CHECKED,))
    await newer.engine.close()
    store.engine.start()  # the fixture closes it once more
