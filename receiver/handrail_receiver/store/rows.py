"""Rows ↔ the receiver's words: the only place that knows both columns and dataclasses."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from handrail.contract import Confirmation, Playbook, Proof, Step
from pydantic import TypeAdapter

from handrail_receiver.errors import UNREADABLE, Cause
from handrail_receiver.model import (
    NEVER_BEGUN,
    OPEN,
    Approved,
    Attempt,
    AttemptState,
    Checked,
    Effect,
    EffectState,
    Run,
    RunState,
)
from handrail_receiver.store.engine import Row, storable

log = logging.getLogger("handrail")
ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
LONGEST = 300


def _among(states: Collection[RunState]) -> str:
    return ", ".join(f"'{state}'" for state in RunState if state in states)


IS_OPEN = f"run.state IN ({_among(OPEN)})"
"""Whether a run is open, in SQL. SQLite uses the index `run_open` for these very words only."""
NEVER_BEGAN = f"run.state IN ({_among(NEVER_BEGUN)})"
"""Whether a run came to nothing, or has not begun yet, in SQL."""
ONE_STEP: TypeAdapter[Step] = TypeAdapter(Step)
PINNED: TypeAdapter[dict[str, tuple[Step, ...]]] = TypeAdapter(dict[str, tuple[Step, ...]])


def instant(seconds: float) -> datetime:
    """Seconds since 1970 → an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds(at: datetime | None) -> float | None:
    """An instant → seconds since 1970."""
    return None if at is None else at.timestamp()


def attempt_of(row: Row) -> Attempt:
    """A row of `attempt`."""
    return Attempt(
        id=row["id"],
        rollout=row["rollout"],
        service=row["service"],
        number=row["number"],
        state=AttemptState(row["state"]),
        stage=row["stage"],
        stage_entered_at=instant(row["stage_entered_at"]),
        started_at=instant(row["started_at"]),
        started_by=row["started_by"],
        held=row["held"],
        held_by=row["held_by"],
        pinned=_pinned_or_declared(row["rollout"], row["pinned"]),
        rollback_ready=row["rollback_ready"],
        playbook=_playbook(row["playbook"]) if row["playbook"] else None,
    )


def checked_of(row: Row) -> Checked:
    """A row of `checked`."""
    return Checked(
        number=row["number"],
        into=row["into_stage"],
        question=row["question"],
        passed=bool(row["passed"]),
        by=row["said_by"],
        at=instant(row["at"]),
        note=row["note"],
    )


def approved_of(row: Row) -> Approved:
    """A row of `approved`."""
    return Approved(
        number=row["number"],
        into=row["into_stage"],
        role=row["role"],
        by=row["said_by"],
        at=instant(row["at"]),
        until=instant(row["until"]),
        digest=row["digest"],
        token=row["token"],
        note=row["note"],
    )


def run_of(row: Row, effects: Sequence[Effect]) -> Run:
    """A row of `run` joined with its attempt's rollout and fence."""
    return Run(
        id=row["id"],
        attempt=row["attempt"],
        rollout=row["rollout"],
        action=row["action"],
        key=row["key"],
        round=row["round"],
        state=RunState(row["state"]),
        asked_by=row["asked_by"],
        reason=row["reason"],
        detected_at=instant(row["detected_at"]),
        decided_at=instant(row["decided_at"]),
        due_at=instant(row["due_at"]),
        acted_at=instant(row["acted_at"]) if row["acted_at"] is not None else None,
        finished_at=instant(row["finished_at"]) if row["finished_at"] is not None else None,
        effects=tuple(effects),
        proof=Proof.model_validate_json(row["proof"]) if row["proof"] else None,
        confirmation=Confirmation.model_validate_json(row["confirmation"]) if row["confirmation"] else None,
        text=row["text"],
        fence=row["fence"],
    )


def run_or_failed(row: Row, effects: Sequence[Row]) -> Run:
    """The same, for somebody who decides: one that cannot be read has failed, so that it is tried again."""
    try:
        return run_of(row, list(map(effect_of, effects)))
    except UNREADABLE as error:
        said = f"it cannot be read: {' '.join(str(error).split())[:LONGEST]}"
        plain = {**row, "state": "failed", "text": said, "proof": None, "confirmation": None}
        return run_of(plain, ())


def effect_of(row: Row) -> Effect:
    """A row of `effect`."""
    return Effect(
        position=row["position"],
        step=step_of(row["step"]),
        state=EffectState(row["state"]),
        found=row["found"],
        cause=Cause(row["cause"]) if row["cause"] else None,
    )


def _pinned_or_declared(rollout: str, text: str) -> Mapping[str, tuple[Step, ...]]:
    """Pinned steps that cannot be read are as good as none: then the playbook's steps count."""
    try:
        return _pinned(text)
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:LONGEST]
        log.warning("the pinned steps of %s cannot be read, the playbook's count: %s", rollout, said)
        return {}


@functools.lru_cache(maxsize=256)
def _pinned(text: str) -> Mapping[str, tuple[Step, ...]]:
    """Written once when an attempt begins, read at each look at its history."""
    return PINNED.validate_json(text)


@functools.lru_cache(maxsize=1024)
def _playbook(text: str) -> Playbook:
    """Written when an attempt begins, or adopts another."""
    return Playbook.model_validate_json(text)


@functools.lru_cache(maxsize=256)
def step_of(text: str) -> Step:
    """A step as the column holds it → the step."""
    return ONE_STEP.validate_json(text)


def pinned_json(pinned: Mapping[str, tuple[Step, ...]]) -> str:
    """Pinned steps as the column holds them."""
    return PINNED.dump_json(dict(pinned)).decode()


def step_json(step: Step) -> str:
    """A step as the column holds it."""
    return ONE_STEP.dump_json(step).decode()


def canonical(body: Mapping[str, object]) -> str:
    """The one text of a JSON object, whose texts are those that stand in rows."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return storable(ESCAPED_NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text)
