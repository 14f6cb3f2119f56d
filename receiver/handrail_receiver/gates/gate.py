"""Gate + History + GateInputs + now → whether the gate is open, requirement by requirement; pure.

What is not known is not met. A stage is judged when it is over, and only by what happened in it. An approval counts
for one attempt and for what it was given for, until its time is over, while its token is valid, and only from a
person whose own change it is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from handrail.contract import Approval, Criterion, Gate, GivenArms, OpenArms, Playbook, names

from handrail_receiver.gates.check_requirements import checks_asked, probe_asked
from handrail_receiver.gates.requirement import ONCE_BAKED, Requirement
from handrail_receiver.gates.windows import frozen, in_words, outside_hours
from handrail_receiver.model import Approved, AttemptState, Checked, History
from handrail_receiver.model.probe_names import is_probe
from handrail_receiver.outside.probes import ProbeAnswer
from handrail_receiver.words.times import span, when
from handrail_receiver.words.whose import fire

SEEN = 12
"""How many characters of a digest people see and type."""


@dataclass(frozen=True)
class Approver:
    """A token that may approve now, by its fingerprint; `only` is the one role it may approve as, empty: any."""

    token: str
    only: str = ""

    def may(self, role: str) -> bool:
        """Whether it may approve as `role`. A token's line has no room for spaces: they are written `-`."""
        return self.only in {"", role, "-".join(role.split())}


NO_TOKEN = Approver("")


@dataclass(frozen=True)
class CriterionResult:
    """Whether a criterion is met, and over how much time and data that was judged; `known` False: nobody can say."""

    met: bool
    text: str
    known: bool = True


@dataclass(frozen=True)
class FiringTiers:
    """What fires according to Prometheus, as guardrail/tier. `sure`: it has the playbook's rules, so nothing else
    fires; what was heard since it was asked, `at` an instant, is newer.
    """

    sources: tuple[str, ...] = ()
    sure: bool = False
    at: datetime | None = None


NOT_ASKED_WHAT_FIRES = FiringTiers()


@dataclass(frozen=True)
class GateInputs:
    """What a gate is judged by beside the history: criteria, what fires, who may approve now, and the state of
    others.

    `probes` has the answer of each probe. `made` has the declared checks and load bursts of the stage that were made,
    by their keys, and whether each was good.
    """

    criteria: Mapping[Criterion, CriterionResult] = field(default_factory=dict)
    approvers: frozenset[Approver] = frozenset()
    fires: FiringTiers = NOT_ASKED_WHAT_FIRES
    others: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, ProbeAnswer] = field(default_factory=dict)
    made: Mapping[str, bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class GateStatus:
    """Whether a gate is open, requirement by requirement. `digest` covers everything that an approval is given for.

    `since` is when the stage began of which all events are counted, where a criterion asks for that.
    """

    into: str
    digest: str
    asks: tuple[Requirement, ...]
    since: datetime | None = None

    @property
    def missing(self) -> tuple[Requirement, ...]:
        """What is not met."""
        return tuple(ask for ask in self.asks if not ask.met)

    def facts(self) -> dict[str, object]:
        """The same for the evidence."""
        asks = [{"kind": ask.kind, "name": ask.name, "met": ask.met, "text": ask.text} for ask in self.asks]
        since = {"since": self.since.isoformat()} if self.since else {}
        return {"into": self.into, "digest": self.digest, "asks": asks, **since}


@dataclass(frozen=True)
class GateCase:
    """A gate, and all that it is judged by."""

    gate: Gate
    playbook: Playbook
    history: History
    inputs: GateInputs
    now: datetime

    @cached_property
    def answers(self) -> tuple[Checked, ...]:
        """The newest answer to each of the gate's questions, in their order; unanswered ones are left out."""
        here = self.history.speaks_of, self.gate.into
        known = {said.question: said for said in self.history.checked if (said.number, said.into) == here}
        return tuple(known[question] for question in self.gate.questions if question in known)

    @cached_property
    def left(self) -> tuple[str, timedelta, datetime] | None:
        """The current stage, its bake time with the warm-up before, and until when it lasts; None where it has none."""
        attempt = self.history.in_stage
        if attempt is None:
            return None
        stage = next((stage for stage in self.playbook.stages if stage.name == attempt.stage), None)
        if stage is None or not stage.takes:
            return None
        takes = timedelta(seconds=stage.takes)
        return stage.name, takes, attempt.stage_entered_at + takes

    @cached_property
    def baked_since(self) -> datetime | None:
        """When the bake time of the current stage began; None where it has none."""
        attempt = self.history.in_stage
        stage = next((one for one in self.playbook.stages if attempt and one.name == attempt.stage), None)
        if attempt is None or stage is None:
            return None
        return attempt.stage_entered_at + timedelta(seconds=stage.warm_up)

    @property
    def bakes(self) -> bool:
        """Whether the current stage is in its bake time."""
        return self.left is not None and self.now < self.left[2]

    @cached_property
    def firing(self) -> tuple[str, ...]:
        """What fires and is asked about: by Prometheus, and by the alerts we heard since, or where it is not sure.

        Not `thin`: a criterion says itself over which part of the stage there was enough to judge.
        """
        asked = self.inputs.fires
        heard = {
            one.source
            for one in self.history.said
            if one.firing and not is_probe(one.source)  # a gate asks probes itself
            if not asked.sure or (asked.at is not None and one.at >= asked.at)
        }
        return tuple(sorted({*heard, *asked.sources} - self.playbook.aside))

    def milder(self, severities: Sequence[str]) -> frozenset[str]:
        """The tiers of other severities than these; none where all are asked about."""
        return frozenset(
            f"{guardrail.name}/{tier.tier}"
            for guardrail in self.playbook.guardrails
            for tier in guardrail.tiers
            if severities and tier.severity not in severities
        )

    @cached_property
    def own(self) -> frozenset[str]:
        """Those who may not approve under four eyes: who started the attempt, and who answered a question."""
        attempt = self.history.attempt
        started = {attempt.started_by} if attempt is not None and attempt.live else set()
        return frozenset(started | {said.by for said in self.answers})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what an approval is given for: attempt, stages, the whole playbook, and people's answers."""
        attempt = self.history.in_stage
        what = {
            "rollout": self.playbook.rollout,
            "attempt": self.history.speaks_of,
            "from": attempt.stage if attempt is not None else "",
            "into": self.gate.into,
            "playbook": hashlib.sha256(self.playbook.model_dump_json().encode()).hexdigest(),
            "answers": [
                [said.question, said.passed, said.by, said.at.isoformat(), said.note] for said in self.answers
            ],
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def next_gate(playbook: Playbook, history: History, inputs: GateInputs, now: datetime) -> GateCase | None:
    """The next gate; into the first stage where none was entered, and after the last one where there is one."""
    attempt, newest = history.in_stage, history.attempt
    stages = [stage.name for stage in playbook.stages]
    if newest is not None and newest.live and newest.state != AttemptState.active:
        return None
    if attempt is not None:
        if attempt.stage not in stages:
            return None
        stages = stages[stages.index(attempt.stage) + 1 :]
        stages = stages or [gate.into for gate in playbook.gates if gate.into == names.COMPLETE]
    if not stages:
        return None
    gate = next((gate for gate in playbook.gates if gate.into == stages[0]), Gate(into=stages[0]))
    return GateCase(gate, playbook, history, inputs, now)


def judge(at: GateCase, by: str = "") -> GateStatus:
    """Judge a gate for `by`, who wants to pass it; empty for somebody who only looks."""
    gate = at.gate
    asks = [*_windows(at), *_others(at)]
    asks += [_bake(*at.left)] if at.left and at.bakes else []
    asks += [_criterion(one, at) for one in gate.criteria]
    asks += [_stable(timedelta(seconds=gate.stable_for), gate, at)] if gate.stable_for else _quiet(at)
    asks += [*_looked_at(at)]
    asks += [_check(place, question, at) for place, question in enumerate(gate.questions, 1)]
    asks += [_approval(one, at, at.own | {by}) for one in gate.approvals]
    counted = any(one.events for one in gate.criteria)
    return GateStatus(gate.into, at.digest, tuple(asks), at.baked_since if counted else None)


def _windows(at: GateCase) -> list[Requirement]:
    """The freezes and the hours that were declared: whether it may go forward now."""
    windows = []
    if at.playbook.freezes:
        text = frozen(at.playbook, at.now)
        windows.append(Requirement("window", "no freeze", not text, text or "no freeze is in force"))
    if at.playbook.hours:
        text, hours = outside_hours(at.playbook, at.now), "; ".join(map(in_words, at.playbook.hours))
        windows.append(Requirement("window", f"within {hours}", not text, text or "within its hours"))
    return windows


def _others(at: GateCase) -> list[Requirement]:
    """The rollouts that this one waits for before it begins."""
    if at.history.in_stage is not None:
        return []
    return [_other(name, at.inputs.others.get(name, "unknown")) for name in at.playbook.waits_for]


def _other(name: str, state: str) -> Requirement:
    done = state == "complete"
    text = f"{name} is {state}" if done else f"{name} is {state}, and this rollout begins once it is complete"
    cure = "" if done else f"handrail rollout status {name}"
    return Requirement("order", f"{name} is complete", done, text, cure)


def _bake(stage: str, long: timedelta, until: datetime) -> Requirement:
    name = f"stage {stage} bakes for {span(long)}"
    return Requirement("bake", name, met=False, text=f"{name}: until {when(until)}")


def still_bakes(stage: str, until: datetime) -> str:
    """That a stage is not over yet, and until when."""
    return f"stage {stage} bakes until {when(until)}"


def _criterion(criterion: Criterion, at: GateCase) -> Requirement:
    name = f"{criterion.guardrail}: {criterion.text}"
    if at.bakes:
        return Requirement("criterion", name, met=False, text=f"{name}: {ONCE_BAKED}")
    answer = at.inputs.criteria.get(criterion)
    if answer is None:
        return Requirement(
            "criterion", name, met=False, text=f"{name}: unknown: Prometheus was not asked", known=False
        )
    return Requirement("criterion", name, answer.met, answer.text, known=answer.known)


def _quiet(at: GateCase) -> list[Requirement]:
    """What fires and is asked about; a blind guardrail fires as well."""
    text = fire(at.firing)
    return [Requirement("firing", "nothing fires", met=False, text=text)] if at.firing else []


def _stable(long: timedelta, gate: Gate, at: GateCase) -> Requirement:
    """Whether nothing fires, and nothing that is asked about has fired for `long` in this stage."""
    what = f"no {' or '.join(gate.severities)} alert" if gate.severities else "nothing"
    name, attempt = f"{what} fires for {span(long)}", at.history.in_stage
    if attempt is None:
        return Requirement("stable", name, met=False, text=f"{name}: unknown before an attempt")
    if at.firing:
        text = f"{fire(at.firing)}; {span(long)} without a firing alert are needed"
        return Requirement("stable", name, met=False, text=text)
    aside = at.playbook.aside | at.milder(gate.severities)
    said = [one.at for one in at.history.said if one.source not in aside]
    since = max([attempt.stage_entered_at, *said])
    text = f"{what} has fired since {when(since)}"
    if at.now - since < long:
        text += f", which is long enough at {when(since + long)}"
    return Requirement("stable", name, at.now - since >= long, text)


def _check(place: int, question: str, at: GateCase) -> Requirement:
    cure = f"handrail rollout check {at.playbook.rollout} --item {place}"
    said = next((one for one in at.answers if one.question == question), None)
    if said is None and (waits := not_yet(question, at)):
        return Requirement("check", question, met=False, text=waits)
    if said is None:
        return Requirement("check", question, met=False, text=f"nobody has answered {question!r}", cure=cure)
    note = f": {said.note}" if said.note else ""
    if said.passed:
        return Requirement(
            "check", question, met=True, text=f"{said.by} says yes{note}", by=said.by, at=said.at
        )
    text = f"{said.by} says no to {question!r}{note}"
    return Requirement("check", question, met=False, text=text, cure=cure, by=said.by, at=said.at)


def asked_at(question: str, at: GateCase) -> datetime | None:
    """From when on a question of a check may be answered; None: at any time."""
    asked = next((one for one in at.gate.checklist if one.text == question), None)
    attempt = at.history.in_stage
    if asked is None or attempt is None or question in at.gate.manual:
        return None
    return attempt.stage_entered_at + timedelta(seconds=asked.at)


def not_yet(question: str, at: GateCase) -> str:
    """Why a question cannot be answered yet; empty when it can."""
    due_at = asked_at(question, at)
    return f"not yet: from {when(due_at)} on" if due_at is not None and at.now < due_at else ""


def _looked_at(at: GateCase) -> list[Requirement]:
    """Probes, and the checks of the stage that is left; before the first stage there is nothing to look at."""
    attempt, gate = at.history.in_stage, at.gate
    if attempt is None:
        return []
    return [
        *(
            probe_asked(one.name, at.inputs.probes.get(one.name), bakes=at.bakes)
            for one in at.playbook.probes
        ),
        *([checks_asked(at.playbook, attempt, gate.checks, at.inputs.made)] if gate.checks else []),
    ]


def _approval(approval: Approval, at: GateCase, own: frozenset[str]) -> Requirement:
    command = f"handrail rollout approve {at.playbook.rollout} --role {_typed(approval.role)}"
    cure = f"{command}{_versions(at)}"
    approvals = [one for one in at.history.approved if (one.into, one.role) == (at.gate.into, approval.role)]
    last = max(approvals, key=lambda one: one.number, default=None)
    if last is None:
        text = f"nobody has approved as {approval.role!r}"
        return Requirement("approval", approval.role, met=False, text=text, cure=cure)
    wrong = _worthless(last, approval, at, own)
    note = f": {last.note}" if last.note else ""
    text = f"{last.by} approved, until {when(last.until)}{note}"
    if wrong:
        text = f"{last.by}'s approval as {approval.role!r} does not count: {wrong}"
    return Requirement(
        "approval", approval.role, not wrong, text, cure if wrong else "", last.by, last.at, last.until
    )


def _versions(at: GateCase) -> str:
    """What an approval is for: while no versions are given, it gives them, and there is no digest yet."""
    arms, attempt = at.playbook.arms, at.history.attempt
    if isinstance(arms, OpenArms):
        return "".join(f" --{arm} …" for arm in arms.to_give)
    can_be_given = isinstance(arms, GivenArms) and not (attempt is not None and attempt.live)
    words = f" --canary {_typed(arms.canary)} --stable {_typed(arms.stable)}" if can_be_given and arms else ""
    return f"{words} --seen {at.digest[:SEEN]}"


def _worthless(approved: Approved, approval: Approval, at: GateCase, own: frozenset[str]) -> str:
    """Why an approval does not count (any more); empty when it does."""
    if approved.number != at.history.speaks_of:
        return f"it was given in attempt {approved.number}, and this is attempt {at.history.speaks_of}"
    if approved.digest != at.digest:
        or_version_words = " a version that was given," if isinstance(at.playbook.arms, GivenArms) else ""
        return f"the playbook,{or_version_words} or an answer to a question, has changed since"
    if at.now >= approved.until:
        return f"it expired {when(approved.until)}"
    if not any(one.token == approved.token and one.may(approval.role) for one in at.inputs.approvers):
        return "the token it was given with may no longer approve"
    if approval.four_eyes and approved.by in own:
        return "whoever starts, promotes or answers a question may not approve it"
    return ""


def _typed(word: str) -> str:
    """A word as it is typed in a shell."""
    return word if all(letter.isalnum() or letter in "-_." for letter in word) else f'"{word}"'
