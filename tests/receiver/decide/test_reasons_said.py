"""The reasons of decisions, as the code has them → the table of receiver.md: whoever reads one finds what it means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[3]
WORD = re.compile(r"[a-z]+(-[a-z]+)*")
MAKES = {"Decision", "refusal", "say", "_say", "_no"}
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
