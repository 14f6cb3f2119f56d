"""What a person does by hand → the words and commands of a runbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from handrail.base import declared

_Words = Annotated[str, Field(pattern=r"\S", description="words for a person")]


@declared
class Instruction:
    """One thing to do by hand: what to do, at most one command to copy, and what to `see` in its output."""

    does: _Words
    sh: str = Field(default="", kw_only=True)
    sql: str = Field(default="", kw_only=True)
    promql: str = Field(default="", kw_only=True)
    see: str = Field(default="", kw_only=True)

    @model_validator(mode="after")
    def _one_command(self) -> Instruction:
        if sum(map(bool, (self.sh, self.sql, self.promql))) > 1:
            raise ValueError("has more than one command; write an Instruction for each")
        if "```" in f"{self.sh}{self.sql}{self.promql}":
            raise ValueError(
                "has ``` in its command, which ends a block of code in the runbook; write it without"
            )
        if self.promql:
            from handrail.promql.syntax import parsed  # noqa: PLC0415  the parser is loaded by who declares a query

            parsed(self.promql)
        return self


@declared
class Runbook:
    """For the person on call: what the alert means for users, where to look first, the usual causes and fixes.

    `steps` are to be done by hand, one after the other, with the commands to copy.
    """

    renamed: ClassVar = {"mend": "fix"}
    impact: str
    look: Sequence[str] = Field(default=(), kw_only=True)
    fix: Sequence[str] = Field(default=(), kw_only=True)
    steps: Sequence[Instruction] = Field(default=(), kw_only=True)


Procedures = Mapping[
    Annotated[str, Field(pattern=r"^\w[^\r\n|#`*_<>\[\]]*$", description="a title in plain words")],
    Annotated[Sequence[Instruction], Field(min_length=1)],
]
