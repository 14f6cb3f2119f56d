"""The receiver's own words: what was said, what we conclude, what shall change, what happened.

Frozen dataclasses only; nothing here knows HTTP, SQL or a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from handrail.contract import Confirmation, Playbook, Proof, Step, Tell, names

from handrail_receiver.runs import (
    ENTERING,
    NEVER_BEGUN,
    Effect,
    Run,
    RunState,
)
from handrail_receiver.spoken import Approved, Checked


@dataclass(frozen=True)
class Signal:
    """One alert, as a notification states it. `starts_at` is evidence only: Alertmanager may move it."""

    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Notification:
    """What one delivery says. `truncated` alerts were cut off by the sender: of those we know nothing."""

    signals: tuple[Signal, ...]
    truncated: int = 0
    dialect: str = "4"


@dataclass(frozen=True)
class Received:
    """A delivery on its way into the inbox: when, from whom, and its body as it came."""

    at: datetime
    source: str
    body: bytes


@dataclass(frozen=True)
class Stored(Received):
    """A delivery that is on disk."""

    number: int = 0


class AttemptState(StrEnum):
    """Where one try at a rollout stands. operations/machine.py has what leads from one to the next."""

    active = "active"
    rolling_back = "rolling-back"
    rolled_back = "rolled-back"
    complete = "complete"
    abandoned = "abandoned"


CHANGED = "changed after the rollback: "
"""How the reason begins for which a rolled-back attempt is held."""


@dataclass(frozen=True)
class Attempt:
    """One try at a rollout. `held` says why nothing may be promoted, empty when it may.

    `stage` is the last one that it entered, or is entering as its first. `playbook` is its own copy, None where it
    began before there were any.
    """

    id: int
    rollout: str
    service: str
    number: int
    state: AttemptState
    stage: str
    stage_entered_at: datetime
    started_at: datetime
    started_by: str
    held: str = ""
    pinned: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    rollback_ready: str = ""
    playbook: Playbook | None = None

    @property
    def changed_since(self) -> bool:
        """Whether a target does not hold any more what the rollback asked for."""
        return self.state == AttemptState.rolled_back and self.held.startswith(CHANGED)

    @property
    def live(self) -> bool:
        """Whether anything may still be done in it."""
        return self.state in {AttemptState.active, AttemptState.rolling_back}


def in_force(attempt: Attempt | None, newest: Playbook) -> Playbook:
    """The playbook that counts: a live attempt goes on by its own copy until a person adopts the newest."""
    return attempt.playbook if attempt is not None and attempt.live and attempt.playbook else newest


def attempt_spoken_of(newest: Attempt | None) -> int:
    """The number of the attempt whose next gate people speak about."""
    if newest is None:
        return 1
    return newest.number if newest.live else newest.number + 1


@dataclass(frozen=True)
class LastSaid:
    """What one alert said last in an attempt; `series` stands for all its labels, `source` is guardrail/tier.

    `origin` is who said it: "alertmanager", or empty for somebody who cannot be asked.
    """

    series: str
    source: str
    firing: bool
    at: datetime
    origin: str = ""


@dataclass(frozen=True)
class Captured:
    """A figure that limits are relative to, captured for an attempt."""

    guardrail: str
    reference: str
    value: float


@dataclass(frozen=True)
class History:
    """What a decision about one rollout may look at: its newest attempt, and what was done and said in it.

    `checked` and `approved` are of attempt `speaks_of`; approvals of the one before are there to be refused.
    """

    attempt: Attempt | None = None
    runs: tuple[Run, ...] = ()
    said: tuple[LastSaid, ...] = ()
    captured: tuple[Captured, ...] = ()
    automatic_today: int = 0
    checked: tuple[Checked, ...] = ()
    approved: tuple[Approved, ...] = ()

    @property
    def speaks_of(self) -> int:
        """The attempt whose next gate people speak about: the live one, or the one that begins next."""
        return attempt_spoken_of(self.attempt)

    def heard(self, series: str) -> bool | None:
        """Whether an alert was firing when we last heard of it in this attempt, None when we never did."""
        return next((said.firing for said in self.said if said.series == series), None)

    def last_run(self, action: str, key: str | None = None) -> Run | None:
        """The newest run of an action, whatever its key, or with one key."""
        runs = [run for run in self.runs if run.action == action and key in {None, run.key}]
        return max(runs, key=lambda run: (run.id, run.round), default=None)

    def next_round(self, action: str, key: str = "") -> int:
        """The number of the round that an action with this key would begin."""
        return max((run.round + 1 for run in self.runs if (run.action, run.key) == (action, key)), default=0)

    @property
    def entering(self) -> Run | None:
        """The run that entered a stage last, or tried to."""
        runs = [run for run in self.runs if run.action in ENTERING]
        return max(runs, key=lambda run: (run.id, run.round), default=None)

    @property
    def rollbacks(self) -> tuple[Run, ...]:
        """The newest run of each rollback that was begun, the strongest last."""
        begun = [run for run in self.runs if run.action in names.ACTING and run.state not in NEVER_BEGUN]
        newest = {run.action: run for run in sorted(begun, key=lambda run: (run.id, run.round))}
        return tuple(newest[action] for action in names.ACTING if action in newest)


@dataclass(frozen=True)
class Conditions:
    """What holds now, beside the history: the instant, the kill switch, and why the guard is blind (or empty)."""

    now: datetime
    stopped: bool = False
    blind: str = ""


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
    """Promotions stop (with a reason) or may go on (empty)."""

    why: str


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
    """A run shall be carried out.

    `supersedes` ends what enters a stage and what is still open of the same action. Whoever works on the attempt stops,
    and what is left is begun again, the strongest action first.
    """

    action: str
    key: str
    round: int
    steps: tuple[Step, ...]
    proof: Proof | None
    due_at: datetime
    confirmation: Confirmation | None = None
    supersedes: bool = False


@dataclass(frozen=True)
class Heard:
    """An alert fires or has stopped; `origin` is who says so."""

    series: str
    source: str
    firing: bool
    origin: str = ""


Change = Begin | Adopt | Capture | EndAll | SetHold | SetReady | SetState | Open | Heard | Checked | Approved


@dataclass(frozen=True)
class Decision:
    """What we conclude, why (a word and a sentence), and what it changes.

    `known` is what else was known then, for the evidence: a gate's state, say. It must go into JSON.
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
    """What is new about a run that is being carried out: recorded in one write, under its fence.

    `stage` is the one that was entered. `tell` are people who hear of it now, whether they were told before or not.
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


@dataclass(frozen=True)
class Settled:
    """A delivery, those that only repeat it, and what was decided about each of them, alert by alert.

    `numbers` are all of theirs; `at` is when the first of them came.
    """

    numbers: list[int]
    at: datetime
    decisions: tuple[Decision, ...]

    @cached_property
    def first(self) -> Decision | None:
        """The decision that weighs most, None when the delivery lists no alert."""
        return min(self.decisions, key=lambda decision: WEIGHT[decision.verdict], default=None)


@dataclass(frozen=True)
class EvidenceRecord:
    """One link of a rollout's chain: `hash` covers all other fields, `previous` included."""

    number: int
    at: datetime
    rollout: str
    kind: str
    body: str
    previous: str
    hash: str
