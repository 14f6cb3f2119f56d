"""The receiver's words → what leaves as JSON, and what may come in with a call."""

from __future__ import annotations

from datetime import datetime

from handrail.contract import node_of
from pydantic import BaseModel

from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import Attempt, Effect, EvidenceRecord, History, Run, given_arms
from handrail_receiver.view_models.going_on import going_on
from handrail_receiver.view_models.incident_views import OpenIncidentView
from handrail_receiver.words.steps import what


class StepView(BaseModel):
    """One step of a run, on one node where it has nodes: `what` names the target and the value that it should have."""

    kind: str
    what: str
    node: str = ""
    state: str
    found: str
    cause: str | None


class RunView(BaseModel):
    """One action of an attempt, with the four instants that are measured of a rollback."""

    action: str
    key: str
    round: int
    state: str
    asked_by: str
    reason: str
    text: str
    detected_at: datetime
    decided_at: datetime
    acted_at: datetime | None
    proved_at: datetime | None
    finished_at: datetime | None
    steps: list[StepView]


class VersionsView(BaseModel):
    """The versions of an attempt: the values of `label`, where they were given at its start."""

    label: str
    canary: str
    stable: str


class AttemptView(BaseModel):
    """One try at a rollout; `versions` is null where the declaration says them.

    `state` says whether it goes on (`active`), how it ended, or that it goes back; `phase` is the state machine's state.
    """

    number: int
    state: str
    phase: str
    stage: str
    stage_entered_at: datetime
    started_at: datetime
    started_by: str
    held: str
    rollback_ready: bool
    not_ready: str
    versions: VersionsView | None = None


class AskView(BaseModel):
    """One requirement of a gate: whether it is met, why or why not, and what to type; `until` is the end of an
    approval.

    `known` is false if nobody can say whether it is met; then it is not met.
    """

    kind: str
    name: str
    met: bool
    known: bool
    text: str
    cure: str
    by: str
    at: datetime | None
    until: datetime | None


class GateView(BaseModel):
    """The gate into the next stage; `digest` stands for what an approval is given for."""

    into: str
    open: bool
    digest: str
    asks: list[AskView]


class RolloutView(BaseModel):
    """A rollout: its stages, its newest attempt with all its runs, and the gate ahead (not in the list of all).

    `changed` is what `adopt` would change of the playbook that the live attempt follows, a line each; `incidents` are those
    that nobody has closed, whichever attempt opened them, the oldest first. `guard_problems` (of one rollout; the list has
    them once) say why nothing may be rolled back automatically.
    """

    rollout: str
    service: str
    stages: list[str]
    attempt: AttemptView | None
    runs: list[RunView]
    gate: GateView | None = None
    changed: list[str] = []
    incidents: list[OpenIncidentView] = []
    guard_problems: list[str] = []


class RolloutsView(BaseModel):
    """All rollouts; of those named in `unreadable` the attempt cannot be read. `guard_problems` say why nothing may be
    rolled back automatically.
    """

    rollouts: list[RolloutView]
    unreadable: list[str] = []
    guard_problems: list[str] = []


class ReadyView(BaseModel):
    """Whether it works, and why not."""

    status: str
    problems: list[str] = []


class KillSwitchView(BaseModel):
    """Whether it is set, what its file says, and why this receiver could not turn it (empty: it could)."""

    on: bool
    text: str
    cannot: str


class ErrorView(BaseModel):
    """A refusal, in words."""

    error: str


class TierView(BaseModel):
    """A tier at a check: the figure, what it is made of, the limits, and whether one is broken; `fires` is null if
    unknown.

    `verdict` is `beyond` if the figure is beyond a limit and the rule does not hold, for example with too few events;
    `unbroken` if the rule does not hold and the figure cannot be compared here; `blind` also without a figure.
    `pending`: broken, but not long enough yet to fire.
    """

    guardrail: str
    tier: str
    action: str
    verdict: str
    value: str
    figure: str
    count: str
    limits: list[str]
    fires: bool | None
    pending: bool = False


class ShareView(BaseModel):
    """What an arm has of the traffic; `share` is 0..1, null when there is none at all."""

    arm: str
    per_second: float
    share: float | None


class ProbeView(BaseModel):
    """A probe at a check: `ok`, `failed`, or `unknown` if it could not be sent; with the answer, and in how many
    seconds it came.
    """

    name: str
    url: str
    verdict: str
    text: str
    seconds: float


class TargetView(BaseModel):
    """A target of the stage at a check: whether it holds what the step asks for, null where it could not be read."""

    step: str
    as_asked: bool | None
    text: str


class InstanceView(BaseModel):
    """An instance that Prometheus scrapes for the rollout's measures, and whether it was up."""

    job: str
    instance: str
    up: bool


class CheckView(BaseModel):
    """A check: each tier of each guardrail, the canary's intended and actual share, what fires, what is loaded.

    `ok`: everything could be looked at, nothing is broken and nothing fires. `probes` and `targets` are their
    answers, `rules` is empty if Prometheus has loaded exactly the generated rules, `fires` is null if nobody knows.
    `missing` is what could not be obtained, `snapshot` the SHA-256 of all it was judged by.
    """

    at: datetime
    stage: str
    tiers: list[TierView]
    asked: float | None
    split: list[ShareView]
    probes: list[ProbeView]
    targets: list[TargetView]
    instances: list[InstanceView]
    fires: list[str] | None
    rules: str
    artifact: str
    missing: list[str]
    ok: bool
    snapshot: str


class BundleView(BaseModel):
    """The evidence of an attempt as files, by their paths; `missing` is what an auditor would ask for besides."""

    rollout: str
    attempt: int
    complete: bool
    missing: list[str]
    files: dict[str, str]


class CallAnswer(BaseModel):
    """What was decided and why; `outcome` is the state of the run it opened, when it opened one.

    `check` is what was found, where a check was asked for.
    """

    verdict: str
    reason: str
    text: str
    outcome: str | None = None
    outcome_text: str | None = None
    check: CheckView | None = None


class RecordView(BaseModel):
    """One record; `hash` covers all the other fields and the rollout's name."""

    number: int
    at: datetime
    kind: str
    body: str
    previous: str
    hash: str


class EvidenceView(BaseModel):
    """A rollout's evidence; `whole` is false when any record, shown or not, does not fit the one before.

    `next` is the `after` for the following records, null when these are the last.
    """

    rollout: str
    whole: bool
    first_broken: int | None
    next: int | None
    records: list[RecordView]


def gate_view(gate: GateStatus) -> GateView:
    """A gate as JSON."""
    return GateView(
        into=gate.into, open=not gate.missing, digest=gate.digest, asks=list(map(ask_view, gate.asks))
    )


def ask_view(ask: Requirement) -> AskView:
    """One thing that a gate asks for as JSON."""
    return AskView.model_validate(ask, from_attributes=True)


def attempt_view(attempt: Attempt, history: History) -> AttemptView:
    """The attempt of a history as JSON."""
    arms = given_arms(attempt)
    return AttemptView(
        number=attempt.number,
        state=attempt.state,
        phase=state_of(history),
        stage=attempt.stage,
        stage_entered_at=attempt.stage_entered_at,
        started_at=attempt.started_at,
        started_by=attempt.started_by,
        held=attempt.held,
        rollback_ready=not attempt.rollback_ready,
        not_ready=attempt.rollback_ready,
        versions=None if arms is None else VersionsView.model_validate(arms, from_attributes=True),
    )


def run_view(run: Run) -> RunView:
    """A run as JSON."""
    return RunView(
        action=run.action,
        key=run.key,
        round=run.round,
        state=run.state,
        asked_by=run.asked_by,
        reason=run.reason,
        text=run.text,
        detected_at=run.detected_at,
        decided_at=run.decided_at,
        acted_at=run.acted_at,
        proved_at=run.measured["proved"],
        finished_at=run.finished_at,
        steps=list(map(step_view, run.effects)),
    )


def run_now(run: Run) -> RunView:
    """A run as people ask for it: of one that is open, how far it is and what is tried again."""
    return run_view(run).model_copy(update={"text": going_on(run)})


def step_view(effect: Effect) -> StepView:
    """A step as JSON."""
    return StepView(
        kind=effect.step.kind,
        what=what(effect.step),
        node=node_of(effect.step),
        state=effect.state,
        found=effect.found,
        cause=effect.cause,
    )


def record_view(record: EvidenceRecord) -> RecordView:
    """A record of the chain as JSON."""
    return RecordView(
        number=record.number,
        at=record.at,
        kind=record.kind,
        body=record.body,
        previous=record.previous,
        hash=record.hash,
    )
