"""What people may ask for by the API, the role it takes, and what may come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from handrail_receiver.access.tokens import Role
from handrail_receiver.logs import printable
from handrail_receiver.model import NOTES


def _one_line(text: str) -> str:
    """A person's words on one line, as they go into logs, messages and rows."""
    return printable(" ".join(text.split()))


Words = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]


class CallBody(BaseModel):
    """What may come with a call; `anyway` overrides "not ready" and needs `why`."""

    model_config = ConfigDict(extra="forbid")
    why: Words = ""
    anyway: bool = False


Version = Annotated[str, Field(max_length=200, pattern=r"^([!-~][ -~]*)?$")]


class StartBody(CallBody):
    """The same; `canary` and `stable` are the versions, where the declaration leaves them open.

    `artifact` is what goes out: a version, or an image's digest, for the evidence.
    """

    canary: Version = ""
    stable: Version = ""
    artifact: Version = ""


class StageBody(CallBody):
    """The same; `to` names the stage that is meant (`complete` after the last one): refused if another one is next."""

    to: str = Field(default="", max_length=200)


class WantedAttempt(BaseModel):
    """Which attempt a bundle is of; the newest without a number."""

    model_config = ConfigDict(extra="forbid")
    attempt: Annotated[int, Field(ge=1, le=2**31)] | None = None


class CheckBody(BaseModel):
    """An answer to a question of the gate ahead: `item` is the question or its place from 1 on; `why` is a note.

    With neither `item` nor `passed` a check is made now.
    """

    model_config = ConfigDict(extra="forbid")
    item: str = Field(default="", max_length=1000)
    passed: bool = True
    why: Words = ""

    @property
    def answers(self) -> bool:
        """Whether it answers a question; without a question, a yes or a no it asks for a check."""
        return bool({"item", "passed"} & self.model_fields_set)


class ApproveBody(BaseModel):
    """An approval of the gate ahead as `role`; `seen` is the beginning of the digest that was looked at.

    `canary` and `stable` are the versions that are approved, where none were given yet.
    """

    model_config = ConfigDict(extra="forbid")
    role: str = Field(default="", max_length=1000)
    seen: str = Field(default="", pattern="^([0-9a-f]{8,64})?$")
    canary: Version = ""
    stable: Version = ""
    why: Words = ""


class AckBody(BaseModel):
    """Which incident is acknowledged (`incident`, if several are open), and a note."""

    model_config = ConfigDict(extra="forbid")
    incident: str = Field(default="", max_length=300, pattern="^[!-~]*$")
    why: Words = ""


class NoteBody(AckBody):
    """What is said of an incident: a field that is empty stays as it was.

    `follow_up` adds one, `review` is when it is looked back on, with whom are the `attendees`. `false_rollback` says
    whether the rollback was for nothing. `why` is anything else for its timeline.
    """

    cause: Words = ""
    fix: Words = ""
    prevention: Words = ""
    user_impact: Words = ""
    follow_up: Words = ""
    review: Words = ""
    attendees: Words = ""
    false_rollback: bool | None = None

    def notes(self) -> dict[str, str]:
        """What was said, by field."""
        said = {name: getattr(self, name) for name in NOTES if name in type(self).model_fields}
        return {name: text for name, text in said.items() if text}


class CloseBody(NoteBody):
    """The same; `why` is the reason why the incident is over."""


Body = CallBody | StartBody | StageBody | CheckBody | ApproveBody | AckBody | NoteBody | CloseBody


@dataclass(frozen=True)
class Verb:
    """What people may ask for, the role it takes, and what may come with it."""

    name: str
    role: Role = "operator"
    body: type[Body] = CallBody


VERBS = (
    Verb("start", body=StartBody),
    Verb("check", body=CheckBody),
    Verb("approve", role="approver", body=ApproveBody),
    Verb("promote", body=StageBody),
    Verb("retry", body=StageBody),
    Verb("reduce"),
    Verb("hold"),
    Verb("resume"),
    Verb("rollback"),
    Verb("emergency-rollback"),
    Verb("drill"),
    Verb("adopt"),
    Verb("abandon"),
    Verb("ack", body=AckBody),
    Verb("note", body=NoteBody),
    Verb("close", body=CloseBody),
)
