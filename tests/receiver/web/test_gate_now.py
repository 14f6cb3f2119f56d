"""What happens while a gate is judged for a program → the answer is about what holds afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from guarded import NOW, playbook
from handrail_receiver.model import Attempt, AttemptState, Conditions, History
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.web.now_calls import Looking

LAST = Attempt(7, "shop", "shop", 2, AttemptState.active, "100%", NOW, NOW, "alice")
OPEN, HELD = History(LAST), History(replace(LAST, held="bob: wait"))


@pytest.mark.parametrize(
    ("held", "answer", "text"),
    [
        ([OPEN, OPEN], "open", "nothing is missing"),
        ([OPEN, HELD, HELD], "closed", "held: bob: wait"),
        ([OPEN, HELD, OPEN, HELD], "unknown", "the attempt changes while its gate is judged; ask again"),
    ],
    ids=["nothing", "a hold", "always something"],
)
def test_what_happens_while_prometheus_is_asked_counts(
    held: Sequence[History], answer: str, text: str
) -> None:
    histories = iter(held)

    async def history(_: object) -> History:
        return next(histories)

    async def gate(*_: object, **__: object) -> None:
        return None

    guard = SimpleNamespace(conditions=lambda: Conditions(NOW))
    calls = SimpleNamespace(prometheus=NoPrometheus(), gate=gate, guard=guard)
    api: Any = SimpleNamespace(calls=calls, history=history)
    nothing: Any = None
    without_digest = playbook(rules_digest="")
    _, found = asyncio.run(Looking(api, nothing).gate_now(without_digest, ""))
    assert (found.answer, found.text) == (answer, text)
