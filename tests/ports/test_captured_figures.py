"""What is captured at a store: a figure for each reference, or one for each value of labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guarded import NOW
from handrail_receiver.model import Capture, Captured
from handrail_receiver.store import Store
from ports.store_cases import begun, decision

pytestmark = pytest.mark.anyio


async def test_captured_figures_are_told_apart_by_their_labels(store: Store) -> None:
    figures = (
        Captured("slow", "before", 0.1, (("by_path", "/"),)),
        Captured("slow", "before", 0.2, (("by_path", 'a "quoted" {path}'), ("by_zone", "ü"))),
        Captured("slow", "stage:10%", 0.3, (("by_path", "/"),)),
    )
    attempt = (await begun(store)).attempt
    await store.attempts.apply("shop", lambda _: decision(Capture(figures), attempt=attempt), NOW)
    newer = (replace(figures[0], value=0.4),)
    await store.attempts.apply("shop", lambda _: decision(Capture(newer), attempt=attempt), NOW)
    captured = (await store.attempts.history("shop", NOW)).captured
    assert {one for one in captured if one.guardrail == "slow"} == {*newer, *figures[1:]}
