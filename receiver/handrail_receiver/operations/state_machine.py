"""The state machine of an attempt: for each state the events, who may cause them, and the next state.

`answer` and `decide` obey it, docs/how-to/walk.md shows it, and a test compares it with both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handrail_receiver.model import AttemptState

Who = Literal["operator", "approver", "alert", "receiver"]
NONE: None = None
ACTIVE, ROLLING, ROLLED = AttemptState.active, AttemptState.rolling_back, AttemptState.rolled_back
COMPLETE, ABANDONED = AttemptState.complete, AttemptState.abandoned
SAME: tuple[AttemptState | None, ...] = ()
"""It leads nowhere else."""


@dataclass(frozen=True)
class Transition:
    """In one of `states` (None: no attempt), `event` may be sent by `who` and leads to one of `into`.

    `recorded` is what the evidence gets, in words.
    """

    states: tuple[AttemptState | None, ...]
    event: str
    who: tuple[Who, ...]
    into: tuple[AttemptState | None, ...]
    recorded: str


TABLE: tuple[Transition, ...] = (
    Transition(
        (NONE, ROLLED, COMPLETE, ABANDONED),
        "start",
        ("operator", "receiver"),
        (ACTIVE,),
        "the gate as it was judged, the playbook's copy, the pinned steps; then each step",
    ),
    Transition((ACTIVE,), "start", ("operator",), (ACTIVE,), "its first stage once more, if that failed"),
    Transition(
        (ACTIVE,),
        "promote",
        ("operator",),
        (ACTIVE, COMPLETE),
        "the gate as it was judged; then each step, and the stage once it is entered",
    ),
    Transition((ACTIVE,), "retry", ("operator",), (ACTIVE,), "the same, of the stage whose steps failed"),
    Transition((ROLLING,), "retry", ("operator",), (ROLLING,), "as rollback"),
    Transition((ACTIVE,), "hold", ("operator", "alert", "receiver"), (ACTIVE,), "why"),
    Transition((ACTIVE,), "resume", ("operator",), (ACTIVE,), "what it was held for"),
    Transition(
        (NONE, ACTIVE, ROLLING, ROLLED, COMPLETE, ABANDONED),
        "rollback",
        ("operator",),
        (ROLLING,),
        "who and why; then each step, and the proof",
    ),
    Transition(
        (ACTIVE, ROLLING),
        "rollback",
        ("alert",),
        (ROLLING,),
        "guardrail, tier and limit; what waits to be confirmed first; then each step, and the proof",
    ),
    Transition((ROLLED,), "stronger rollback", ("alert",), (ROLLING,), "the same"),
    Transition(
        (ROLLED,),
        "changed",
        ("receiver",),
        (ROLLING, ROLLED),
        "what a target holds again, and that it is put back or who was told",
    ),
    Transition(
        (ROLLING,),
        "unfinished",
        ("receiver",),
        (ROLLING,),
        "of a rollback that failed or is not proved: that it is so now and is proved, or who was told again",
    ),
    Transition((ROLLING,), "done", ("receiver",), (ROLLED,), "outcome, with its four instants"),
    Transition((ROLLING,), "failed", ("receiver",), (ROLLING,), "outcome; it is held, and everybody is told"),
    Transition((ACTIVE,), "done", ("receiver",), (ACTIVE,), "outcome, and the stage that is entered"),
    Transition(
        (ACTIVE,), "failed", ("receiver",), (ACTIVE,), "outcome; it is held in the stage where it was"
    ),
    Transition((ACTIVE, ROLLING), "adopt", ("operator", "receiver"), SAME, "what changes"),
    Transition(
        (ACTIVE, ROLLING, ROLLED), "abandon", ("operator",), (ABANDONED,), "why; nothing is asked of a target"
    ),
    Transition(
        (NONE, ACTIVE, ROLLED, COMPLETE, ABANDONED),
        "check",
        ("operator",),
        SAME,
        "question and answer",
    ),
    Transition(
        (NONE, ACTIVE, ROLLED, COMPLETE, ABANDONED),
        "approve",
        ("approver",),
        SAME,
        "role, and the digest of what was approved",
    ),
)


def may(state: AttemptState | None, event: str, who: Who) -> bool:
    """Whether `who` may send an event in a state."""
    return any(one.event == event and state in one.states and who in one.who for one in TABLE)


def leads_to(state: AttemptState | None, event: str, who: Who) -> frozenset[AttemptState | None]:
    """Where an event may lead from a state; nowhere when it is refused."""
    rows = [one for one in TABLE if one.event == event and state in one.states and who in one.who]
    return frozenset(into for one in rows for into in one.into or (state,))


def as_markdown() -> str:
    """The table as docs/how-to/walk.md shows it."""
    head = ("| in state | what happens | who | leads to | the evidence gets |", "|---|---|---|---|---|")
    return "\n".join((*head, *map(_row, TABLE)))


def _row(one: Transition) -> str:
    into = _words(one.into) if one.into else "the same"
    return f"| {_words(one.states)} | {one.event} | {', '.join(one.who)} | {into} | {one.recorded} |"


def _words(states: tuple[AttemptState | None, ...]) -> str:
    return ", ".join("none" if state is None else f"`{state}`" for state in states)
