"""The reasons of decisions, as the code has them → the table of receiver.md: whoever reads one finds what it means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from guarded import NOW, ROLLOUT, playbook, signal
from guarded.playbook import with_thin
from handrail_receiver.decide.decide import decide
from handrail_receiver.model import Attempt, AttemptState, Conditions, History

TOP = Path(__file__).parents[3]
WORD = re.compile(r"[a-z]+(-[a-z]+)*")
MAKES = {"Decision", "refusal", "say", "_say", "_no", "_refused"}
UNSEEN = {"not-due", "read-before"}
"""Nothing follows from these: they are neither recorded nor shown."""


def reasons() -> Iterator[str]:
    """The words that stand second where a decision is made: its verdict, or what is known of it, is first."""
    for file in (TOP / "receiver/handrail_receiver").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in MAKES:
                second = call.args[1] if len(call.args) > 1 else None
                if (
                    isinstance(second, ast.Constant)
                    and isinstance(second.value, str)
                    and WORD.fullmatch(second.value)
                ):
                    yield second.value


def test_the_reference_says_what_each_reason_means() -> None:
    found = set(reasons()) - UNSEEN
    assert {"already-done", "no-cause", "impact", "not-acknowledged", "which-incident"} <= found
    page = (TOP / "docs/reference/receiver.md").read_text(encoding="utf-8")
    assert sorted(one for one in found if f"`{one}`" not in page) == []


def test_too_few_events_are_called_that_and_no_broken_limit() -> None:
    attempt = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
    made = decide(signal("error-rate", "thin"), with_thin(playbook()), History(attempt), Conditions(NOW))
    assert made.text == "error-rate has too few events to be judged: people are asked to investigate"
