"""A word that is none of the choices → the words that are, and the one that was meant."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from typer import BadParameter
from typer.core import TyperGroup

UNKNOWN = re.compile(r"^(?:Value error, )?'(?P<given>.*)' is not one of (?P<choices>'.*')\.$", re.DOTALL)
"""What typer says of it."""


class Commands(TyperGroup):
    """The commands, whose wrong choices are named with what to write instead."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except BadParameter as error:
            error.message = instead(error.message)
            raise


def instead(message: str) -> str:
    """What to write instead of a word that is no choice; other messages as they are."""
    found = UNKNOWN.match(message)
    if found is None:
        return message
    given, choices = found["given"], found["choices"].strip("'").split("', '")
    like = get_close_matches(given, choices, 1)
    return f"there is no '{given}'; " + (
        f"did you mean {like[0]}?" if like else f"use one of {', '.join(choices)}"
    )
