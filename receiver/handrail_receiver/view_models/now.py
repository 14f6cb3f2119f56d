"""A rollout as it is now → JSON: what it waits for, its guardrails beside their limits, the gate, for whoever watches."""

from __future__ import annotations

import math
from datetime import datetime

from handrail.contract import Playbook
from pydantic import BaseModel

from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import History
from handrail_receiver.view_models.guardrails import (
    GuardrailNow,
    LimitNow,
    SeriesReading,
    Watched,
    asked_share,
)
from handrail_receiver.view_models.incident_views import OpenIncidentView, open_incident_view
from handrail_receiver.view_models.schemas import AskView, GateView, gate_view
from handrail_receiver.view_models.waiting import waits_for


class ReadingView(BaseModel):
    """What one series says: of which arm (empty: of all), its other labels, the value (null: no number) and its words."""

    arm: str
    labels: str
    value: float | None
    text: str


class LimitView(BaseModel, from_attributes=True):
    """A tier's limit in this stage: in words, and the figure where there is one."""

    tier: str
    action: str
    text: str
    figure: float | None
    shown: str
    shadow: bool


class GuardrailView(BaseModel):
    """A guardrail: how it is in a word, its figures, its limits, how many events they are of, and which tiers fire."""

    name: str
    verdict: str
    readings: list[ReadingView]
    limits: list[LimitView]
    events: str
    fires: list[str]


class NowView(BaseModel):
    """All of it. `attempt` is null before the first one; `waits_for` is a sentence, and `for_people` says that they are
    waited for. `asked` is the share of traffic that the stage asks for, `traffic` what there is.

    `incidents` are those that nobody has closed. `fires` is null where nobody knows. `unknown` says why Prometheus did not answer, `other_rules` why its figures may be of
    other rules than the playbook's. `guard_problems` say why nothing may be rolled back automatically.
    """

    rollout: str
    service: str
    at: datetime
    attempt: int | None
    phase: str
    stage: str
    entered_at: datetime | None
    held: str
    waits_for: str
    for_people: bool
    guardrails: list[GuardrailView]
    asked: float | None
    traffic: str
    fires: list[str] | None
    unknown: str
    other_rules: str
    gate: GateView | None
    incidents: list[OpenIncidentView] = []
    guard_problems: list[str] = []


class GateResultView(BaseModel):
    """Whether a promotion into a stage would succeed now.

    `answer` is `open`, `closed`, `unknown` (something that it needs could not be found out), `passed` (the attempt is
    in the stage, or past it), `over` (it goes back or was abandoned) or `none` (no attempt runs). `asks` has the
    requirements of the gate; `against` and `unknown` are lines of what else is against it.
    """

    rollout: str
    attempt: int | None
    phase: str
    stage: str
    into: str
    answer: str
    text: str
    asks: list[AskView]
    against: list[str]
    unknown: list[str]


def now_view(
    playbook: Playbook, history: History, gate: GateStatus | None, watched: Watched, at: datetime
) -> NowView:
    """All of it as JSON; `gate` is the next one, None where none comes."""
    attempt, waiting = history.attempt, waits_for(playbook, history, gate, at)
    return NowView(
        rollout=playbook.rollout,
        service=playbook.service,
        at=at,
        attempt=attempt.number if attempt else None,
        phase=state_of(history),
        stage=attempt.stage if attempt else "",
        entered_at=attempt.stage_entered_at if attempt else None,
        held=attempt.held if attempt else "",
        waits_for=waiting.text,
        for_people=waiting.for_people,
        guardrails=list(map(_guardrail, watched.guardrails)),
        asked=asked_share(playbook, attempt),
        traffic=watched.traffic.text,
        fires=None if watched.fires is None else list(watched.fires),
        unknown=watched.unanswered,
        other_rules=watched.other_rules,
        gate=gate_view(gate) if gate else None,
        incidents=[open_incident_view(one, playbook) for one in history.incidents],
    )


def _guardrail(one: GuardrailNow) -> GuardrailView:
    return GuardrailView(
        name=one.name,
        verdict=one.word,
        readings=list(map(_reading, one.readings)),
        limits=list(map(_limit, one.limits)),
        events=one.events,
        fires=list(one.fires),
    )


def _reading(one: SeriesReading) -> ReadingView:
    value = one.value if math.isfinite(one.value) else None
    return ReadingView(arm=one.arm, labels=one.labels, value=value, text=one.text)


def _limit(one: LimitNow) -> LimitView:
    return LimitView.model_validate(one)
