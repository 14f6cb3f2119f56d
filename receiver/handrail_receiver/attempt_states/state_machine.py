"""The state machine of an attempt: for each state the events, who may send them, and the states they lead to.

Calls of people, alerts, and what the receiver does by itself are all checked against it. docs/how-to/walk.md shows
the table, and a test sends events in any order and compares where they lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handrail.contract import names

from handrail_receiver.attempt_states.states import MEANS, State
from handrail_receiver.model import Attempt

Who = Literal["operator", "approver", "alert", "receiver"]
NONE, HELD, GUARDING, CONFIRMING = State.none, State.held, State.guarding, State.confirming
FINISHING = State.finishing
ENTERING, BAKING, PROMOTING = State.entering, State.baking, State.promoting
ROLLING, ROLLED, COMPLETE, ABANDONED = (
    State.rolling_back,
    State.rolled_back,
    State.complete,
    State.abandoned,
)
SETTLED = (BAKING, GUARDING, HELD)
"""It goes forward, and nothing is carried out."""
IN_STAGE = (BAKING, HELD, CONFIRMING)
FORWARD = (ENTERING, BAKING, PROMOTING, GUARDING, FINISHING, HELD, CONFIRMING)
GOES_ON = (BAKING, GUARDING, FINISHING)
OVER = (ROLLED, COMPLETE, ABANDONED)
TERMINAL = frozenset({COMPLETE, ABANDONED})
"""Nothing changes an attempt any more; the next one is another attempt."""
SAME: tuple[State, ...] = ()
"""It leads nowhere else."""


@dataclass(frozen=True)
class Transition:
    """In one of `states`, `event` may be sent by `who` and leads to one of `into`, or changes nothing.

    `recorded` is what the evidence gets, in words.
    """

    states: tuple[State, ...]
    event: str
    who: tuple[Who, ...]
    into: tuple[State, ...]
    recorded: str


TABLE: tuple[Transition, ...] = (
    Transition(
        (NONE, *OVER),
        "start",
        ("operator", "receiver"),
        (ENTERING, GUARDING, CONFIRMING),
        "the gate as it was judged, the playbook's copy, the pinned steps; then each step",
    ),
    Transition((HELD,), "start", ("operator",), (ENTERING,), "its first stage once more, if that failed"),
    Transition(
        (ENTERING, PROMOTING),
        "entered",
        ("receiver",),
        (BAKING, HELD),
        "outcome, and the stage that is entered",
    ),
    Transition(
        (ENTERING, PROMOTING),
        "not entered",
        ("receiver",),
        (HELD,),
        "outcome; it is held in the stage where it was",
    ),
    Transition((CONFIRMING,), "entered", ("receiver",), SAME, "outcome, and the stage that is entered"),
    Transition((CONFIRMING,), "not entered", ("receiver",), SAME, "outcome; it is held once that is over"),
    Transition(
        SETTLED,
        "promote",
        ("operator",),
        (PROMOTING, FINISHING, COMPLETE),
        "the gate as it was judged; then each step, and the stage once it is entered",
    ),
    Transition(
        (BAKING,),
        "promote",
        ("receiver",),
        (PROMOTING, FINISHING, COMPLETE),
        "the same, where the stage is declared to go on automatically; or once what it lacks, and who was told",
    ),
    Transition(
        (BAKING,), "promote", ("alert",), SAME, "that the rules see the gate open; the receiver judges it"
    ),
    Transition(
        IN_STAGE,
        "warmed up",
        ("receiver",),
        (HELD, CONFIRMING),
        "what still fires of what began in the warm-up, and is asked again or held for",
    ),
    Transition(
        (BAKING,), "not enough data", ("receiver",), (HELD,), "what could not be judged, and for how long"
    ),
    Transition(
        IN_STAGE,
        "deadline",
        ("receiver",),
        (HELD, ROLLING),
        "what the gate lacked, and what was declared to follow",
    ),
    Transition(
        (FINISHING,), "watched", ("receiver",), (COMPLETE,), "for how long it was guarded without a rollback"
    ),
    Transition(
        (HELD,),
        "retry",
        ("operator",),
        (ENTERING, PROMOTING),
        "the same, of the stage whose steps failed, or whose share was reduced",
    ),
    Transition(
        (BAKING, HELD),
        "reduce",
        ("operator",),
        (PROMOTING,),
        "why; then each step: the canary has the smaller share, and the rollout is held",
    ),
    Transition((ROLLING,), "retry", ("operator",), (ROLLING,), "as rollback"),
    Transition(FORWARD, "hold", ("operator", "alert", "receiver"), (HELD,), "why"),
    Transition((ROLLING,), "hold", ("alert", "receiver"), SAME, "why"),
    Transition((*FORWARD, ROLLING), "investigate", ("alert",), SAME, "who was asked to look, and at what"),
    Transition(
        FORWARD,
        "probed",
        ("receiver",),
        SAME,
        "which declared probe fails, and who was told; that it answers again",
    ),
    Transition(FORWARD, "resume", ("operator",), GOES_ON, "what it was held for"),
    Transition((HELD,), "hold over", ("receiver",), GOES_ON, "for how long its alert has not fired"),
    Transition(FORWARD, "sees again", ("alert",), GOES_ON, "that the guardrail it was held for has data"),
    Transition(
        tuple(State),
        "rollback",
        ("operator",),
        (ROLLING,),
        "who and why; then each step, and the proof; where none was under way, in a new attempt",
    ),
    Transition(
        (*FORWARD, ROLLING),
        "rollback",
        ("alert",),
        (ROLLING, CONFIRMING, HELD),
        "guardrail, tier and limit; what waits to be confirmed first; then each step, and the proof; or why people must act",
    ),
    Transition((CONFIRMING,), "confirmed", ("receiver",), (ROLLING,), "the figure by which it was confirmed"),
    Transition(
        (CONFIRMING,),
        "withdrawn",
        ("receiver",),
        FORWARD[:-1],
        "that the limit was no longer broken, or that nobody could say",
    ),
    Transition(
        (ROLLING, ROLLED),
        "confirmed",
        ("receiver",),
        (ROLLING,),
        "the same, of another rollback that was asked for before",
    ),
    Transition((ROLLING, ROLLED), "withdrawn", ("receiver",), SAME, "the same"),
    Transition(
        FORWARD,
        "rollback",
        ("receiver",),
        (ROLLING, HELD),
        "with which rollout it goes back; then each step, and the proof; or why people must act",
    ),
    Transition(
        (COMPLETE,),
        "left behind",
        ("receiver",),
        SAME,
        "with which rollout it would go back if it were not complete, and who was told",
    ),
    Transition((ROLLED,), "stronger rollback", ("alert",), (ROLLING,), "the same"),
    Transition(
        (ROLLED,),
        "changed",
        ("receiver",),
        (ROLLING,),
        "what a target holds now, and that it is put back, or who was told",
    ),
    Transition(
        (ROLLING,),
        "unfinished",
        ("receiver",),
        SAME,
        "of a rollback that failed or is not proved: that every target is right now and it is proved, or who was told again",
    ),
    Transition((ROLLING,), "rolled back", ("receiver",), (ROLLED,), "outcome, with its four instants"),
    Transition(
        (ROLLING,), "not rolled back", ("receiver",), SAME, "outcome; it is held, and everybody is told"
    ),
    Transition((*FORWARD, ROLLING), "adopt", ("operator", "receiver"), SAME, "what changes"),
    Transition(
        (*FORWARD, ROLLING, ROLLED),
        "abandon",
        ("operator",),
        (ABANDONED,),
        "why; no target is touched",
    ),
    Transition(tuple(State), "ack", ("operator",), SAME, "who has the open incident, and how late"),
    Transition(
        tuple(State), "note", ("operator",), SAME, "cause, fix and what else was said of the open incident"
    ),
    Transition(tuple(State), "close", ("operator",), SAME, "why the open incident is over, and who says so"),
    Transition((NONE, *FORWARD, *OVER), "check", ("operator",), SAME, "question and answer"),
    Transition(
        (NONE, *FORWARD, *OVER), "approve", ("approver",), SAME, "role, and the digest of what was approved"
    ),
)

WHY: dict[State, tuple[str, str, str]] = {
    State.none: ("no-attempt", "no attempt was started", "`handrail rollout start {name}` begins one"),
    State.entering: (
        "under-way",
        "attempt {number} is still entering its first stage",
        "wait for it or roll back",
    ),
    State.promoting: (
        "under-way",
        "attempt {number} is still entering a stage, or its share is being reduced",
        "wait for it or roll back",
    ),
    State.confirming: (
        "under-way",
        "a rollback of attempt {number} waits to be confirmed",
        "wait for it or roll back",
    ),
    State.rolling_back: (
        "rolling-back",
        "attempt {number} is being rolled back",
        "wait for its end; if it fails, `rollback` tries again, `adopt` takes a corrected playbook, `abandon` ends it",
    ),
}
"""For a state: a word, a sentence and a cure for what is not in the table there. For all others, see `refused`."""


def event_of(verb: str) -> str:
    """What the table calls what people ask for: whichever rollback that is, it leads to the same."""
    return names.ACTING[0] if verb in names.ACTING else verb


def may(state: State, event: str, who: Who) -> bool:
    """Whether `who` may send an event in a state."""
    return any(one.event == event and state in one.states and who in one.who for one in TABLE)


def leads_to(state: State, event: str, who: Who) -> frozenset[State]:
    """Where an event may lead from a state, which it may also leave as it is; nowhere when it is refused."""
    rows = [one for one in TABLE if one.event == event and state in one.states and who in one.who]
    return frozenset(into for one in rows for into in (*one.into, state))


def refused(state: State, event: str, attempt: Attempt | None, name: str) -> tuple[str, str]:
    """Why an event is not in the table for a state: a word, and a sentence with its cure."""
    number = attempt.number if attempt else 0
    where = f" in stage {attempt.stage}" if attempt and attempt.stage else ""
    if event == "start" and attempt is not None:
        return "already-running", f"attempt {number} is {state}{where}; promote it or roll it back"
    if event == "retry" and state in SETTLED:
        return "nothing-failed", f"nothing failed in attempt {number}; promote it"
    over = ("no-attempt", f"attempt {number} is {state}", f"`handrail rollout start {name}` begins one")
    if state not in (NONE, *OVER):
        over = (
            "not-now",
            f"attempt {number} is {state}{where}",
            f"`handrail rollout status {name}` says what may follow",
        )
    reason, text, cure = WHY.get(state, over)
    return reason, f"{text.format(number=number)}; {cure.format(name=name)}"


def as_markdown() -> str:
    """The states and the table as docs/how-to/walk.md shows them."""
    states = (
        "| state | means |",
        "|---|---|",
        *(f"| {_word(one)} | {text} |" for one, text in MEANS.items()),
    )
    head = ("| in state | what happens | who | leads to | the evidence gets |", "|---|---|---|---|---|")
    forward = f"*forward* stands for {_words(FORWARD[:-1])} and {_word(FORWARD[-1])}."
    return "\n".join((*states, "", forward, "", *head, *map(_row, TABLE)))


def _row(one: Transition) -> str:
    into = _words(one.into) if one.into else "the same"
    return f"| {_words(one.states)} | {one.event} | {', '.join(one.who)} | {into} | {one.recorded} |"


def _words(states: tuple[State, ...]) -> str:
    if states == tuple(State):
        return "any"
    forward = set(FORWARD) <= set(states)
    rest = [_word(one) for one in states if not (forward and one in FORWARD)]
    return ", ".join((["forward"] if forward else []) + rest)


def _word(state: State) -> str:
    return "none" if state is NONE else f"`{state}`"
