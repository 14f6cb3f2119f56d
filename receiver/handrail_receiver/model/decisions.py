"""A decision: what holds when it is made, what it concludes, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from handrail.contract import Confirmation, Playbook, Proof, Step, Tell

from handrail_receiver.model.answers import Approved, Checked
from handrail_receiver.model.attempts import AttemptState, Captured
from handrail_receiver.model.incidents import IncidentEvent
from handrail_receiver.model.runs import Effect, RunState


@dataclass(frozen=True)
class Conditions:
    """What holds now, beside the history: the instant, the kill switch, and why the guard is blind (or empty).

    `unheard`: something may fire of which we were not told, while we or the store were away; it is being asked for.
    """

    now: datetime
    stopped: bool = False
    blind: str = ""
    unheard: bool = False


HEARTBEAT = "heartbeat"
"""The reason of what is decided on Alertmanager's heartbeat, and by which the store remembers when it came."""
TEST_ALERT = "test-alert"
"""The reason of what is decided on the alert that `handrail doctor` sends."""


class Verdict(StrEnum):
    """What a decision comes to; also the `result` label of handrail_notifications_total."""

    act = "act"
    confirm = "confirm"
    hold = "hold"
    tell = "tell"
    shadow = "shadow"
    note = "note"
    repeat = "repeat"
    ignore = "ignore"
    refuse = "refuse"


WEIGHT = {verdict: weight for weight, verdict in enumerate(Verdict)}

QUIET = frozenset({Verdict.repeat, Verdict.ignore})


@dataclass(frozen=True)
class Begin:
    """A new attempt, in its first stage, with its own copy of the playbook."""

    service: str
    stage: str
    pinned: Mapping[str, tuple[Step, ...]]
    rollback_ready: str
    captured: tuple[Captured, ...] = ()
    playbook: Playbook | None = None


@dataclass(frozen=True)
class Adopt:
    """The attempt goes on by another playbook, with these steps."""

    playbook: Playbook
    pinned: Mapping[str, tuple[Step, ...]]
    rollback_ready: str


@dataclass(frozen=True)
class Capture:
    """What the stage that is to be left came to."""

    captured: tuple[Captured, ...]


@dataclass(frozen=True)
class EndAll:
    """Whatever is open in the attempt ends, and nobody works on it any more."""


@dataclass(frozen=True)
class SetHold:
    """Promotions stop (with a reason) or may go on (empty); `by` is the alert that asks for it, as guardrail/tier."""

    why: str
    by: str = ""


@dataclass(frozen=True)
class Once:
    """Something happens that happens once in an attempt: in this one, or in the one with the id `attempt`."""

    name: str
    attempt: int = 0


@dataclass(frozen=True)
class Note:
    """Something happens to the incident of an attempt (its row); `said` is what the event says beside who and the
    text.
    """

    attempt: int
    event: IncidentEvent
    text: str
    said: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftToPeople:
    """People must roll back, because the receiver does not: this opens an incident as any rollback does.

    `trigger` is why the rollback is needed and why people must do it; `attempt` is the attempt's id, if the decision
    names none.
    """

    action: str
    trigger: str
    attempt: int = 0


@dataclass(frozen=True)
class BeforeFirst:
    """What follows belongs to no attempt, for none was started yet: it is kept as attempt 0, which is none."""

    service: str


@dataclass(frozen=True)
class NeedsSomebody:
    """An alert wakes people until somebody acknowledges it: this opens an incident, or asks once more where somebody has it.

    `severity` is the rollout's word for it.
    """

    action: str
    trigger: str
    severity: str


@dataclass(frozen=True)
class SetReady:
    """The attempt was rehearsed again: why it could not be rolled back, empty when it could."""

    why: str


@dataclass(frozen=True)
class SetState:
    """The attempt changes its state."""

    state: AttemptState


@dataclass(frozen=True)
class Open:
    """A run that is to be carried out.

    `supersedes` ends the entering of a stage and open runs of the same action. Whoever works on the attempt stops,
    and what is left begins again, the strongest action first. `by` is who asks for it; empty: whoever decided.
    """

    action: str
    key: str
    round: int
    steps: tuple[Step, ...]
    proof: Proof | None
    due_at: datetime
    confirmation: Confirmation | None = None
    supersedes: bool = False
    by: str = ""


@dataclass(frozen=True)
class Heard:
    """An alert fires or has stopped; `origin` is who says so, and `began` since when it fires, which makes it no other."""

    series: str
    source: str
    firing: bool
    origin: str = ""
    began: datetime | None = field(default=None, compare=False)


Change = (
    Begin
    | Adopt
    | Capture
    | EndAll
    | SetHold
    | LeftToPeople
    | BeforeFirst
    | NeedsSomebody
    | SetReady
    | SetState
    | Once
    | Note
    | Open
    | Heard
    | Checked
    | Approved
)


@dataclass(frozen=True)
class Decision:
    """What the receiver concludes, why (a word and a sentence), and what it changes.

    `known` is what else was known then, for the evidence, such as a gate's state. It must be possible to write it as
    JSON.
    """

    verdict: Verdict
    reason: str
    text: str
    rollout: str = ""
    action: str = ""
    guardrail: str = ""
    tier: str = ""
    by: str = "alert"
    attempt: int = 0
    changes: tuple[Change, ...] = ()
    tell: tuple[Tell, ...] = ()
    known: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """What is new about a run that is being carried out, recorded in one write and under its fence.

    `stage` is the one that was entered. `tell` are people who are told now, whether or not they were told before.
    With `left` its rollback is left to people, and opens an incident as if it had begun.
    """

    state: RunState
    text: str = ""
    effect: Effect | None = None
    acted_at: datetime | None = None
    finished_at: datetime | None = None
    attempt_state: AttemptState | None = None
    stage: str | None = None
    hold: str | None = None
    tell: tuple[Tell, ...] = ()
    left: bool = False


@dataclass(frozen=True)
class Settled:
    """A delivery, the ones that only repeat it, and what was decided about each of its alerts.

    `numbers` are the numbers of all of them, or none while there is more to decide. `at` is when the first of them
    arrived. `before` was decided in an earlier write.
    """

    numbers: list[int]
    at: datetime
    decisions: tuple[Decision, ...]
    before: tuple[Decision, ...] = ()

    @cached_property
    def first(self) -> Decision | None:
        """The decision that weighs most, None when the delivery lists no alert."""
        every = (*self.before, *self.decisions)
        return min(every, key=lambda decision: WEIGHT[decision.verdict], default=None)
