"""What is looked at while a stage lasts: checks at their moments, probes, and load bursts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from handrail.contract.addresses import HeaderName, Scheme, Secret, Url
from handrail.contract.channels import Tell
from handrail.contract.steps import Scalar
from handrail.units import span

GateChecks = Literal["made", "ok"]
"""What a gate asks of the checks and bursts of the stage before: that each was made, or also that each was well."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Moment(_Model):
    """`at` is how many seconds after a stage was entered, `name` what the moment is called, empty: by its time."""

    at: float
    name: str = ""

    @property
    def label(self) -> str:
        """`T+15`, as declared, or `T+15m` by its time."""
        return self.name or f"T+{span(timedelta(seconds=self.at))}"


class CheckFacts(_Moment):
    """A check of all guardrails, probes and targets in `stage` (None: in each stage).

    `questions` are for people to answer then, and asked by the gate out of the stage. `tell` hears what was found.
    """

    stage: str | None = None
    questions: tuple[str, ...] = ()
    tell: tuple[Tell, ...] = ()


class Question(_Model):
    """A question of a check: it may be answered from `at` seconds after the stage was entered."""

    text: str
    at: float


class ProbeFacts(_Model):
    """A GET that must be answered with the status `expect` within `within` seconds, and with a body that has all of it.

    `values` are JSON pointers and what must stand there, `contains` is a text of the body (empty: any).
    """

    name: str
    url: Url
    expect: int
    values: Mapping[str, Scalar]
    contains: str = ""
    within: float
    token: Secret | None = None
    token_header: HeaderName
    token_scheme: Scheme


class BurstFacts(_Moment):
    """So many `requests` by so many `users` at once, to one address, for `within` seconds at most.

    User n sends line n of the secret `tokens`; in `bodies`, which are sent in turn, `${user}` and `${request}` are their
    numbers. It is well when at most `failed` (0..1) of the requests had another answer than `expect`.
    """

    stage: str
    method: Literal["GET", "POST", "PUT"]
    url: Url
    requests: Annotated[int, Field(ge=1, le=10_000)]
    users: Annotated[int, Field(ge=1, le=100)]
    bodies: tuple[Mapping[str, object], ...] = ()
    pause: Annotated[float, Field(ge=0)]
    timeout: Annotated[float, Field(gt=0, le=60)]
    within: Annotated[float, Field(gt=0, le=3600)]
    expect: int
    failed: Annotated[float, Field(ge=0, le=1)]
    tokens: Secret | None = None
