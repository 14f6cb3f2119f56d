"""An attempt at a rollout, and what was done and said in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from handrail.contract import GivenArms, Playbook, Step, names

from handrail_receiver.model.answers import Approved, Checked
from handrail_receiver.model.incidents import Incident
from handrail_receiver.model.runs import BROKEN, ENTERING, NEVER_BEGUN, SHARING, WORKED, Run


class AttemptState(StrEnum):
    """What is kept of where one try at a rollout stands; attempt_states/states.py reads the state it is in from that."""

    active = "active"
    finishing = "finishing"
    rolling_back = "rolling-back"
    rolled_back = "rolled-back"
    complete = "complete"
    abandoned = "abandoned"


CHANGED = "changed after the rollback: "
"""How the reason begins for which a rolled-back attempt is held."""


FINISHED = "finished"
"""What is kept of when an attempt passed its last gate."""


def is_among(why: str, held: str) -> bool:
    """Whether `why` is one of the things that an attempt is held for."""
    return bool(why) and f"; {why}; " in f"; {held}; "


GOES_FORWARD = frozenset({AttemptState.active, AttemptState.finishing})
"""The states of an attempt in which it may be promoted, or become complete."""


def held_for_both(held: str, why: str) -> str:
    """What an attempt is held for that was held, and is to be held for one thing more: nothing that was said is lost."""
    return held if is_among(why, held) else f"{held}; {why}" if held else why


@dataclass(frozen=True)
class Attempt:
    """One try at a rollout.

    `held` says why nothing may be promoted; it is empty when it may. `held_by` is the alert that caused the hold, as
    guardrail/tier; it is empty when something else did. `stage` is the last stage that was entered, or the first one
    while it is being entered. `playbook` is the attempt's own copy, None for attempts from before there were copies.
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
    held_by: str = ""
    pinned: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    rollback_ready: str = ""
    playbook: Playbook | None = None

    @property
    def changed_since(self) -> bool:
        """Whether a target does not hold any more what the rollback asked for."""
        return self.state == AttemptState.rolled_back and self.held.startswith(CHANGED)

    def held_for(self, why: str) -> bool:
        """Whether that is what it is held for, or one of several things."""
        return is_among(why, self.held)

    def held_as_well(self, why: str) -> str:
        """Why it is held from now on: where it goes forward, also for what it was held for, and by whom."""
        return held_for_both(self.held, why) if self.state in GOES_FORWARD else why

    def held_without(self, why: str) -> str:
        """Why it is held once that is over: empty when nothing else is left."""
        return f"; {self.held}; ".replace(f"; {why}; ", "; ").removeprefix("; ").removesuffix("; ")

    @property
    def live(self) -> bool:
        """Whether anything may still be done in it."""
        return self.state in GOES_FORWARD | {AttemptState.rolling_back}


@dataclass(frozen=True)
class AttemptLine:
    """One try at a rollout as a list of all of them shows it; `reason` is that of its last rollback, empty without one."""

    number: int
    state: str
    stage: str
    started_at: datetime
    started_by: str
    reason: str


def given_arms(attempt: Attempt | None) -> GivenArms | None:
    """The versions that were given when the attempt started; None where they are declared."""
    arms = attempt.playbook.arms if attempt is not None and attempt.playbook is not None else None
    return arms if isinstance(arms, GivenArms) else None


def with_versions_of(attempt: Attempt | None, newest: Playbook) -> Playbook:
    """The newest playbook as the attempt would go by it: with the versions that were given at its start."""
    arms = given_arms(attempt)
    if arms is None or newest.arms is None or newest.arms.label != arms.label:
        return newest
    return newest.with_versions(arms.canary, arms.stable)


def of_other_version(labels: Mapping[str, str], playbook: Playbook) -> bool:
    """Whether an alert says to be about another version than the canary that was given: the one before, kept firing."""
    arms = playbook.arms
    return (
        isinstance(arms, GivenArms)
        and labels.get(names.ARM) == names.CANARY
        and labels.get(arms.label, "") not in {"", arms.canary}
    )


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
    """What one alert said last in an attempt; `series` is a key for all its labels, `source` is guardrail/tier.

    `origin` is who said it: "alertmanager", or empty for a sender that cannot be asked. `began` is since when one that
    fires does so, where it says that.
    """

    series: str
    source: str
    firing: bool
    at: datetime
    origin: str = ""
    began: datetime | None = None


@dataclass(frozen=True)
class Captured:
    """A figure that limits are relative to, captured for an attempt.

    `labels` are those of the labels in `by=`, with the names that the rules use for them.
    """

    guardrail: str
    reference: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class History:
    """What a decision about one rollout may look at: its newest attempt, and what was done and said in it.

    `checked` and `approved` belong to attempt `speaks_of`; approvals of the attempt before are there so that they can
    be refused. `once` has what happens only once in an attempt, and when it did. `incidents` are those of the rollout
    that nobody has closed yet, whichever attempt opened them. Before the first attempt `before` is the row under which
    what people are woken for is kept, 0 where nothing is. `unreadable` says why the newest attempt cannot be read
    although there is one, for example a row of another version.
    """

    attempt: Attempt | None = None
    runs: tuple[Run, ...] = ()
    said: tuple[LastSaid, ...] = ()
    captured: tuple[Captured, ...] = ()
    automatic_today: int = 0
    checked: tuple[Checked, ...] = ()
    approved: tuple[Approved, ...] = ()
    unreadable: str = ""
    once: Mapping[str, datetime] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    before: int = 0

    @property
    def row(self) -> int:
        """The row of the newest attempt, or of what is kept before the first one."""
        return self.attempt.id if self.attempt is not None else self.before

    @property
    def speaks_of(self) -> int:
        """The attempt whose next gate people speak about: the live one, or the one that begins next."""
        return attempt_spoken_of(self.attempt)

    @property
    def incident(self) -> Incident | None:
        """The open incident of the newest attempt."""
        return next((one for one in self.incidents if one.attempt == self.row), None)

    def more_fires(self, one: Incident) -> bool:
        """Whether an alert began after an incident was acknowledged: that escalates until it is acknowledged as well."""
        since = one.acknowledged.at if one.acknowledged is not None else one.asked
        return one.attempt == self.row and any(said.firing and said.at > since for said in self.said)

    @property
    def security_incident(self) -> Incident | None:
        """The newest open incident of a security rollback: while there is one, no attempt begins."""
        return next((one for one in reversed(self.incidents) if one.action == names.ACTING[-1]), None)

    def heard(self, series: str) -> bool | None:
        """Whether an alert was firing when we last heard of it in this attempt, None when we never did."""
        return self._firing.get(series)

    def fires_since(self, series: str) -> datetime | None:
        """Since when an alert fires, by its own words; None where it does not fire, or does not say."""
        return self._since.get(series)

    @cached_property
    def _since(self) -> dict[str, datetime]:
        return {said.series: said.began for said in self.said if said.firing and said.began is not None}

    @cached_property
    def _firing(self) -> dict[str, bool]:
        return {said.series: said.firing for said in self.said}

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
    def not_entered(self) -> Run | None:
        """The run that should have entered a stage and did not get through."""
        last = self.entering
        return last if last is not None and last.state in BROKEN else None

    @property
    def reduced(self) -> Run | None:
        """The run that reduced the canary's traffic; None once a stage was entered since."""
        done = [run for run in self.runs if run.action in SHARING and run.state in WORKED]
        last = max(done, key=lambda run: run.id, default=None)
        return last if last is not None and last.action == names.REDUCE else None

    @property
    def in_stage(self) -> Attempt | None:
        """The attempt that is under way, unless its steps did not bring it into its first stage."""
        failed = self.not_entered
        outside = self.attempt is None or not self.attempt.live or (failed and failed.action == "start")
        return None if outside else self.attempt

    @property
    def first_rollback(self) -> Run | None:
        """The rollback that was begun first: when the attempt went back, whatever was tried again or put back since."""
        begun = [run for run in self.runs if run.action in names.ACTING and run.state not in NEVER_BEGUN]
        return min(begun, key=lambda run: (run.decided_at, run.id), default=None)

    @property
    def rollbacks(self) -> tuple[Run, ...]:
        """The newest run of each rollback that was begun, the strongest last."""
        begun = [run for run in self.runs if run.action in names.ACTING and run.state not in NEVER_BEGUN]
        newest = {run.action: run for run in sorted(begun, key=lambda run: (run.id, run.round))}
        return tuple(newest[action] for action in names.ACTING if action in newest)
