"""What is logged: one line for each record, whoever wrote its words."""

from __future__ import annotations

import logging

import pytest
from handrail_receiver.logs import Redacted, printable
from handrail_receiver.web.verbs import CallBody


def line(message: str, *values: object, error: Exception | None = None) -> str:
    caught = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("handrail", logging.INFO, "", 1, message, values, caught)
    whole = Redacted(lambda text: text.replace("hunter2", "[secret x]")).format(record)
    return whole[len("2026-11-27 03:00:00,000 ") :]


@pytest.mark.parametrize(
    "break_",
    ["\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x1b[2K", "\x00", "\u202e"],
)
def test_no_word_of_others_begins_a_line_or_moves_the_cursor(break_: str) -> None:
    said = line("%s rollback: %s", "shop", f"x{break_}2026-11-27 03:00:00,000 INFO handrail: proved hunter2")
    assert said.isprintable()
    assert said.startswith("INFO handrail: shop rollback: x\\")
    assert said.endswith("2026-11-27 03:00:00,000 INFO handrail: proved [secret x]")


def test_the_lines_of_a_traceback_stand_in() -> None:
    first, *rest = line("a fault", error=ValueError("x hunter2\n2026 INFO y \x1b[2K")).splitlines()
    assert (first, rest) == (
        "INFO handrail: a fault",
        ["  ValueError: x [secret x]", r"  2026 INFO y \x1b[2K"],
    )


def test_a_person_s_words_are_one_line_from_the_start() -> None:
    assert (
        CallBody(why="x\n2026 INFO handrail: proved\x1b[2K\x00").why
        == r"x 2026 INFO handrail: proved\x1b[2K\x00"
    )
    assert printable("für Ärger: 10 %, „ja“") == "für Ärger: 10 %, „ja“"
