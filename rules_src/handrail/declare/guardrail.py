"""Measure, tiers, success criterion, reference and runbook → one Guardrail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract import ActionName
from handrail.declare.limits import Confirm, Limit, Not, OverStage, Reference, Success
from handrail.declare.measures import Absence, EventMeasure, Measure
from handrail.declare.runbooks import Runbook
from handrail.units import Duration, Frequency, Period

Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        max_length=63,
        description="a name of small letters, digits and - between them, like error-rate",
    ),
]
SeverityWord = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        max_length=63,
        description="one word of letters, digits, - and _, like P1",
    ),
]
Accept = Mapping[
    Annotated[str, Field(description="a lint's name")],
    Annotated[str, Field(pattern=r"\S", description="the reason why it is right as it is")],
]
"""Findings of lints that somebody looked at, with the reason."""


@declared
class On:
    """A further measure with its own limit, for a tier with several causes: `or_=[On("evictions", …, Above(0))]`."""

    name: Name
    measure: Measure
    limit: Limit
    against: Reference | None = Field(default=None, kw_only=True)


@declared
class Tier:
    """A limit, how long it must be breached before the alert fires, and the action that the alert asks for.

    `keep_firing_for` keeps the alert firing after the breach has ended, so that a receiver that was down still gets it;
    for tiers with an action it is 10 minutes by default. A person ends a hold that the alert caused; with `resume_after`
    it ends automatically once the alert has not fired for that time.

    With `during` it counts only for that time after a stage began. `during="7d", of="attempt"` is the first week of the
    newest attempt, also after its last stage or a rollback.
    """

    tier: ClassVar[str]
    renamed: ClassVar = {"hold": "sustained"}
    limit: Limit
    sustained: Duration = Field(default="0s", kw_only=True)
    action: ActionName = Field(default="investigate", kw_only=True)
    severity: SeverityWord | None = Field(default=None, kw_only=True)
    keep_firing_for: Duration | None = Field(default=None, kw_only=True)
    or_: Sequence[On] = Field(default=(), kw_only=True)
    during: Duration | None = Field(default=None, kw_only=True)
    of: Literal["stage", "attempt"] = Field(default="stage", kw_only=True)
    confirm: Confirm | None = Field(default=None, kw_only=True)
    note: str | None = Field(default=None, kw_only=True)
    resume_after: Period | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _of_a_time(self) -> Tier:
        if self.of == "attempt" and self.during is None:
            raise ValueError("of= says what during= counts from; write during= as well, or leave of= out")
        return self

    @model_validator(mode="after")
    def _ends_a_hold(self) -> Tier:
        if self.resume_after is not None and self.action != "hold":
            raise ValueError("resume_after= ends a hold automatically; write action='hold', or leave it out")
        return self


@declared
class Warning(Tier):  # noqa: A001  the field's word
    """Somebody should look at it."""

    tier = "warning"


@declared
class Critical(Tier):
    """It must not stay like this: the receiver or a person acts."""

    tier = "critical"


@declared
class Emergency(Tier):
    """Something must be done at once, and everybody is told."""

    tier = "emergency"


@declared
class Guardrail:
    """One measure of one rollout, with its limits.

    `success` is what a gate asks for: `Below("1%")` must hold, `Not(Rise("10%"))` must not have happened,
    `OverStage(Below("1%"))` must hold of all that happened since the stage began.

    `against` is the reference of relative limits. `order="tighten"`: where a more severe tier has a tighter limit in
    some stage, the milder tiers take that limit in that stage. `mode="shadow"` only watches: its alerts do nothing and
    tell nobody, and no gate asks for its success. `blind_after` is how long its data may be missing before the `blind`
    alert fires. While an attempt is active, the `thin` alert asks people to look when there were events for
    `thin_after`, but too few to judge; `thin_after=None` switches that off. `optional` states that its source may not
    be there yet: it is silent while no metric of it has ever been seen, and blind without them once one has been.
    `whole_service` states that all versions are judged together, although that dilutes a small canary. `expected` is
    the traffic of the whole service, so that lints can find stages in which an arm gets too little of it. `accept` are
    lints whose findings are accepted here, with the reason.
    """

    name: Name
    measure: Measure
    tiers: Sequence[Warning | Critical | Emergency] = Field(default=(), kw_only=True)
    success: Success | Sequence[Success] = Field(default=(), kw_only=True)
    against: Reference | None = Field(default=None, kw_only=True)
    runbook: Runbook | None = Field(default=None, kw_only=True)
    title: str | None = Field(default=None, kw_only=True)
    mode: Literal["active", "shadow"] = Field(default="active", kw_only=True)
    order: Literal["strict", "tighten"] = Field(default="strict", kw_only=True)
    blind_after: Duration = Field(default="5m", kw_only=True)
    thin_after: Duration | None = Field(default="30m", kw_only=True)
    optional: bool = Field(default=False, kw_only=True)
    whole_service: bool = Field(default=False, kw_only=True)
    expected: Frequency | None = Field(default=None, kw_only=True)
    accept: Accept = Field(default_factory=dict, kw_only=True)

    @model_validator(mode="after")
    def _optional_asks_nothing(self) -> Guardrail:
        if self.optional and self.success:
            raise ValueError(
                "success= is asked at each gate, and an optional source may never be seen; leave one of the two out"
            )
        if self.optional and isinstance(self.measure, Absence):
            raise ValueError(
                "an Absence fires while nothing is seen, which optional= says is right; leave one of the two out"
            )
        return self

    @model_validator(mode="after")
    def _counts_events(self) -> Guardrail:
        if not any(over for _, over in self.criteria):
            return self
        if not isinstance(self.measure, EventMeasure):
            raise ValueError(  # noqa: TRY004  pydantic's way
                "OverStage counts the events of a stage, and this measure has none; "
                "measure a Ratio, a Latency or a SlowerThan, or write the limit without OverStage"
            )
        if self.measure.by:
            raise ValueError(
                "OverStage counts the events of a stage together; leave by= out, or write the limit without OverStage"
            )
        return self

    @property
    def criteria(self) -> tuple[tuple[Limit, OverStage | None], ...]:
        """The limits of the success criteria, however many were written, each with what counts over the whole stage.

        A relative one says what must not have happened, with `Not` around it or without.
        """
        written = self.success if isinstance(self.success, Sequence) else (self.success,)
        return tuple(
            (one.limit, one)
            if isinstance(one, OverStage)
            else (one.limit if isinstance(one, Not) else one, None)
            for one in written
        )

    @property
    def successes(self) -> tuple[Limit, ...]:
        """The limits alone."""
        return tuple(limit for limit, _ in self.criteria)
