"""A person's call, with what was looked up before it is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from handrail.contract import Step

from handrail_receiver.attempt_states.state_machine import Who
from handrail_receiver.gates.approvals import GateAnswer
from handrail_receiver.gates.gate import GateInputs
from handrail_receiver.model import Attempt, Captured

NO_INPUTS, NO_ANSWER = GateInputs(), GateAnswer()


@dataclass(frozen=True)
class IncidentWords:
    """What a person says of an incident: which one (empty: the one that is open), what is noted, and whether the rollback
    was for nothing (None: nothing is said about that).
    """

    id: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    false_rollback: bool | None = None


NO_WORDS = IncidentWords()


@dataclass(frozen=True)
class Call:
    """A person's call: who, why, whether to go on although something is not ready, and what was found out before
    deciding.

    For a start, `pinned` has the steps of the rollback with their open values filled in, and `captured` the
    references. `not_ready` has the reasons not to go on, one line each, empty if there is none; `no_way_back` says
    why a rollback would not work; `causes` are these reasons in words that stay the same while figures in them
    change. `gate_inputs` is what a gate is judged by, and `word` what the person says of it.

    `to` is the stage that the person means, empty if the call names none. `canary` and `stable` are the versions that
    a start, or an approval before it, gives or has read; `unread` says why one could not be read, and `traffic` what
    traffic each has at the start. `artifact` is what goes out, as the person named it. `looked_at` is the state of
    the attempt when all of this was found out, which counts only as long as that is so. With `itself` the receiver asks, and no person. `about` comes with
    what is said of an incident.
    """

    verb: str
    by: str
    why: str = ""
    anyway: bool = False
    pinned: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    captured: tuple[Captured, ...] = ()
    not_ready: tuple[str, ...] = ()
    no_way_back: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    gate_inputs: GateInputs = NO_INPUTS
    word: GateAnswer = NO_ANSWER
    to: str = ""
    canary: str = ""
    stable: str = ""
    artifact: str = ""
    unread: str = ""
    traffic: tuple[str, ...] = ()
    looked_at: tuple[int, str, str] | None = None
    itself: bool = False
    about: IncidentWords = NO_WORDS

    def cleaned(self, redact: Callable[[str], str]) -> Call:
        """The same with no secret in what the person says."""
        notes = {name: redact(text) for name, text in self.about.notes.items()}
        return replace(self, why=redact(self.why), about=replace(self.about, notes=notes))

    @property
    def who(self) -> Who:
        """Who asks, as the state machine knows them."""
        if self.itself:
            return "receiver"
        return "approver" if self.verb == "approve" else "operator"


def stands(attempt: Attempt | None) -> tuple[int, str, str]:
    """Which attempt there is, its state and its stage: what was found out about it counts while that is so."""
    return (attempt.number, attempt.state.value, attempt.stage) if attempt else (0, "", "")
