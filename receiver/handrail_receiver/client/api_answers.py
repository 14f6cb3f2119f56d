"""A question to the receiver → its answer, or why there is none, for whoever asks again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from handrail_receiver.client.api_client import ApiClient, NoAnswer, json_of, unknown_token

LONGEST = 30.0
WRONG = frozenset({400, 401, 403, 404, 421})
"""The call is wrong, and asking again helps nobody."""


@dataclass(frozen=True)
class Answered:
    """What it said; or why nobody knows, in `problem`. `wrong`: the call is, and not the receiver."""

    said: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    wrong: bool = False


def ask(
    client: ApiClient, path: str, needed: Sequence[str], longest: float = LONGEST, **query: str
) -> Answered:
    """What it answers to GET `path` within `longest` seconds: no receiver's answer lacks what is `needed`."""
    asked = {word: value for word, value in query.items() if value}

    def call(to: httpx.Client) -> httpx.Response:
        return to.get(path, params=asked)

    try:
        answer = client.ask(call, longest, "ask again")
    except NoAnswer as error:
        return Answered(problem=str(error))
    if answer.status_code == 401:
        return Answered(problem=unknown_token(client), wrong=True)
    said = json_of(answer, *needed)
    if answer.is_error or "error" in said:
        problem = str(said.get("error", f"it answers {answer.status_code}"))
        return Answered(problem=problem, wrong=answer.status_code in WRONG)
    return Answered(said)
