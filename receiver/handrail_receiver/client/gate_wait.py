"""`handrail gate NAME`: whether an attempt may go on, for pipelines.

Exit codes: 0 the gate is open or passed, 1 it is closed, 2 the call is wrong, 3 nobody can know, 130 interrupted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handrail_receiver.client.api_answers import LONGEST, Answered, ask
from handrail_receiver.client.api_client import ApiClient
from handrail_receiver.words.requirements import whether_met

OPEN, CLOSED, WRONG, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130
CODES = {"open": OPEN, "passed": OPEN, "closed": CLOSED, "over": CLOSED, "unknown": UNKNOWN, "none": UNKNOWN}
MAY_CHANGE = frozenset({"closed", "unknown"})
"""What is waited upon: all other answers stay."""
NEEDED = ("answer", "attempt", "into", "text", "asks", "against", "unknown")
"""What the answer of a receiver has."""
EVERY = 5.0


@dataclass(frozen=True)
class Wait:
    """Until when it is waited: not at all, for so many seconds, or (None) as long as it takes.

    `shortest` is what each question gets at least: with less left, none is asked.
    """

    seconds: float | None = 0.0
    shortest: float = 1.0

    def until(self, now: float) -> float:
        """The instant at which it ends."""
        return float("inf") if self.seconds is None else now + self.seconds

    def longest(self, left: float) -> float:
        """How long a question may last while so much of it is left; one that is asked once has its usual time."""
        return LONGEST if self.seconds == 0 else min(LONGEST, max(left, 0.001))


def gate(
    client: ApiClient,
    name: str,
    to: str,
    wait: Wait,
    *,
    as_json: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Ask until it is decided or the wait is over, print what was said last, and return the exit code.

    What is meant is the gate ahead at the first answer, and that attempt: once it is in the stage, the gate was passed.
    No question outlasts the wait, and none is begun that would not be answered in it.
    """
    ends, told, meant = wait.until(clock()), "", (to, 0)
    try:
        while True:
            began = clock()
            longest = wait.longest(ends - began)
            answered = _of_attempt(
                ask(client, f"/api/rollouts/{name}/gate", NEEDED, longest, into=meant[0]), name, meant
            )
            said, now = answered.said, clock()
            left, needed = ends - now, max(now - began, wait.shortest)
            if said and said["answer"] in MAY_CHANGE:
                meant = (meant[0] or said["into"], meant[1] or said["attempt"])
            if answered.wrong or left <= needed or (said and said["answer"] not in MAY_CHANGE):
                return _ended(answered, name, as_json=as_json)
            told = _tell(told, answered, name)
            sleep(min(EVERY, left - needed))
    except KeyboardInterrupt:
        return INTERRUPTED


def _of_attempt(answered: Answered, name: str, meant: tuple[str, int]) -> Answered:
    """What was said, which is the end of the wait where it is of a later attempt than the one that is waited for."""
    into, number = meant
    newest = answered.said.get("attempt")
    if not number or newest in {None, number}:
        return answered
    text = f"attempt {number} is over, and attempt {newest} has begun"
    return Answered(
        {**answered.said, "rollout": name, "into": into, "answer": "over", "text": text, "asks": []}
    )


def _tell(told: str, answered: Answered, name: str) -> str:
    """A line on stderr whenever something else is waited for."""
    now = answered.problem or f"the gate of {name} into {answered.said['into']} is {answered.said['answer']}"
    text = now if answered.problem else f"{now}: {answered.said['text']}"
    if text != told:
        print(f"waiting: {text}", file=sys.stderr, flush=True)  # noqa: T201
    return text


def _ended(answered: Answered, name: str, *, as_json: bool) -> int:
    """Print what was said last; the exit code."""
    said = answered.said or {"rollout": name, "answer": "unknown", "text": answered.problem}
    if as_json:
        print(json.dumps(said, indent=2, ensure_ascii=False))  # noqa: T201
    elif answered.problem:
        print(answered.problem, file=sys.stderr)  # noqa: T201
    else:
        print(shown(said))  # noqa: T201
    return WRONG if answered.wrong else CODES.get(said["answer"], UNKNOWN)


def shown(said: Mapping[str, Any]) -> str:
    """The gate line by line: what is met, what is not, with what to type."""
    into = f" into {said['into']}" if said["into"] else ""
    first = f"gate of {said['rollout']}{into}: {said['answer']}"
    if not said["asks"] and not said["against"] and not said["unknown"]:
        return f"{first}: {said['text']}"
    lines = [first]
    for one in said["asks"]:
        lines.append(f"  {whether_met(one):<8} {one['name']}: {one['text'].removeprefix(one['name'] + ': ')}")
        lines += [f"           {one['cure']}"] if one["cure"] else []
    asked = {one["text"] for one in said["asks"]}
    lines += [f"  unknown  {one}" for one in said["unknown"] if one not in asked]
    lines += [f"  against  {one}" for one in said["against"]]
    return "\n".join(lines)
