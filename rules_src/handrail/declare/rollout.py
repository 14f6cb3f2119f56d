"""Stages, arms, guardrails and actions → one Rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract import AtDeadline, Channel, GateChecks, HAProxyWeight, Step, Tell, VersionSource, names
from handrail.contract.steps import ServerPart, Sockets
from handrail.declare.checks import Check, LoadBurst, Probe
from handrail.declare.dashboard import Dashboard
from handrail.declare.field_types import StageName
from handrail.declare.freezes import Freeze, Hours
from handrail.declare.guardrail import Accept, Guardrail, Name, SeverityWord
from handrail.declare.measures import EventMeasure, Latency, SlowerThan
from handrail.declare.notify import Mutes, Routes
from handrail.declare.reports import Report
from handrail.declare.runbooks import Instruction, Procedures
from handrail.declare.sample_ratio import SampleRatio
from handrail.declare.slo import Slo
from handrail.declare.sources import LogSource, SqlSource
from handrail.units import Duration, Interval, Period, Share, amount, duration

LabelName = Annotated[
    str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="a label's name: letters, digits and _")
]


@declared
class Arms:
    """The label that tells the versions apart, and its values for the new and the old one.

    `Arms("version")` has no values: they change with each release, and each start gives them. A start reads those for
    which a source is named, like `canary=DeploymentVersion(…)`.
    """

    label: LabelName
    canary: str | VersionSource | None = Field(default=None, kw_only=True)
    stable: str | VersionSource | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _two(self) -> Arms:
        if isinstance(self.canary, str) != isinstance(self.stable, str):
            missing = "canary" if isinstance(self.stable, str) else "stable"
            what = (
                "is missing"
                if getattr(self, missing) is None
                else "is read when a start comes, and the other is not"
            )
            raise ValueError(f"{missing}= {what}; write both values, or none if each start gives them")
        if isinstance(self.canary, str) and self.canary == self.stable:
            raise ValueError("canary and stable are one value; write the two that the label has")
        if self.told and self.label == names.ARM:
            raise ValueError(
                "the label 'arm' is recorded beside the versions; give the metric a label of another name"
            )
        return self

    @property
    def told(self) -> bool:
        """Whether its values are known only once an attempt starts."""
        return not isinstance(self.canary, str)


@declared
class Approval:
    """Who must approve, for how long an approval counts, and whether it must be another person.

    With `four_eyes` a person who starts, promotes or answered a question of the gate cannot approve.
    """

    role: str
    valid_for: Period = Field(default="24h", kw_only=True)
    four_eyes: bool = Field(default=True, kw_only=True)


@declared
class Gate:
    """What must be true before the next stage is entered, besides the success criteria: people's answers and approvals.

    `manual` are questions that only people can answer. `approvals=["technical-lead"]` is short for
    `[Approval("technical-lead")]`.

    `stable_for` is how long no alert may have fired in the stage before. With `severities` only alerts of these
    severities count: `Gate(stable_for="24h", severities=["critical", "emergency"])` is a day without a critical alert.
    Whatever fires now closes the gate in any case. `budget_left` is how much of the error budget of each declared
    objective must be left.

    `coverage` is the part of the stage before in which each success criterion must have had data and enough events. Write
    less than the usual 90 % for a service that has no traffic at night: it allows for times in which nothing happened, but
    not for missing data. Data must be there for 90 % of the stage in any case, also for measures that need no traffic.

    `checks="made"` requires that each check and load burst of the stage before was made, `checks="ok"` that each was
    also good.
    """

    manual: Sequence[str] = Field(default=(), kw_only=True)
    approvals: Sequence[str | Approval] = Field(default=(), kw_only=True)
    stable_for: Duration | None = Field(default=None, kw_only=True)
    severities: Sequence[str] = Field(default=(), kw_only=True)
    coverage: Share = Field(default="90%", kw_only=True)
    budget_left: Share | None = Field(default=None, kw_only=True)
    checks: GateChecks | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _something(self) -> Gate:
        if self.severities and self.stable_for is None:
            raise ValueError(
                "severities= says which alerts count for stable_for=, which is missing; write stable_for= as well"
            )
        if amount(self.coverage).value == 0:
            raise ValueError(
                "coverage=0% would pass a stage that was never judged; write the part of it that must have enough traffic"
            )
        return self


@declared
class Stage:
    """A share of traffic, and how long it bakes before the next gate may open. The last stage needs no `bake`.

    `gate` is what must be true to enter it. With `advance="when-met"` the rollout goes on automatically as soon as the gate
    ahead is open; otherwise a person promotes. In the first `warm_up` of a stage only emergencies are acted on; its bake
    time begins afterwards. If there is not enough data to judge success, the stage bakes up to `prolong` longer and is
    then held. `deadline` is the longest time in the stage, counted from entering it: then it is held, rolled back, or
    everybody is paged, as `at_deadline` says. `checks` and `bursts` are made in this stage; the rollout's own `checks`
    are made in every stage.
    """

    renamed: ClassVar = {"hold": "bake"}
    name: StageName
    weight: Share | None = Field(default=None, kw_only=True)
    bake: Period | None = Field(default=None, kw_only=True)
    gate: Gate | None = Field(default=None, kw_only=True)
    enter: Sequence[Step] = Field(default=(), kw_only=True)
    advance: Literal["by-hand", "when-met"] = Field(default="by-hand", kw_only=True)
    warm_up: Period | None = Field(default=None, kw_only=True)
    prolong: Period | None = Field(default=None, kw_only=True)
    deadline: Period | None = Field(default=None, kw_only=True)
    at_deadline: AtDeadline = Field(default="hold", kw_only=True)
    checks: Sequence[Period | Check] = Field(default=(), kw_only=True)
    bursts: Sequence[LoadBurst] = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _times_fit(self) -> Stage:
        if self.name == names.COMPLETE:
            raise ValueError("'complete' is what comes after the last stage; give the stage another name")
        if self.prolong and not self.bake:
            raise ValueError("prolong= makes bake= longer, and there is none; write bake= as well")
        if self.advance == "when-met" and not self.bake:
            raise ValueError("advance='when-met' without bake= would go on at once; write how long it bakes")
        if self.at_deadline != "hold" and not self.deadline:
            raise ValueError(
                "at_deadline= says what follows a deadline, and there is none; write deadline= as well"
            )
        return self

    @property
    def has_canary(self) -> bool:
        """Whether the canary has traffic in it."""
        return self.weight is None or amount(self.weight).value != 0


@declared
class Reduced:
    """A share of traffic that is softer than a rollback: `handrail rollout reduce` gives the canary no more than that.

    `enter` has the steps that set it. Nothing is promoted until a person has the stage entered again.
    """

    weight: Share | None = None
    enter: Sequence[Step] = Field(default=(), kw_only=True)


@declared
class HAProxySplit:
    """Two servers of one HAProxy backend; the weights of the stages split the traffic between them."""

    backend: ServerPart
    canary: ServerPart = Field(default="canary", kw_only=True)
    stable: ServerPart = Field(default="stable", kw_only=True)
    sockets: Sockets = Field(kw_only=True)

    def weight(self, server: str, weight: int) -> HAProxyWeight:
        """The step that gives `server` this weight."""
        return HAProxyWeight(f"{self.backend}/{server}", weight, self.sockets)


@declared
class Level:
    """Who is told of an alert that is still unresolved `after` this time. It also counts for a blind guardrail.

    With `severities` only alerts of these escalate to this level.
    """

    name: Name
    after: Duration
    tell: str
    severities: Sequence[str] = Field(default=(), kw_only=True)


@declared
class Acknowledge:
    """`who` should acknowledge an incident `within` this time after a rollback opened it; if not, `tell` is told."""

    within: Duration
    who: str = Field(kw_only=True)
    tell: Sequence[Tell] = Field(default=(), kw_only=True)


@declared
class Budget:
    """The longest times allowed from breach to decision, and from breach to recovery."""

    decide: Period
    recover: Period


def counts_both(guardrail: Guardrail) -> bool:
    """Whether it counts the requests of each arm, one by one."""
    measure = guardrail.measure
    native = isinstance(measure, Latency | SlowerThan) and measure.native
    return isinstance(measure, EventMeasure) and not native and not guardrail.whole_service


@declared
class Rollout:
    """One change of one service that goes out in stages: everything Handrail needs to guard it.

    `match` are label matchers that are added to every measure of this rollout. `rollback` has the steps of an ordinary
    rollback, in order; `emergency` and `security` are the same unless declared. A `split` sets the weights of each stage;
    on every rollback it sets the canary's weight to 0, after any flags that come first and before all other steps.
    `reduced` is a smaller share, for a person who does not want to roll back yet.
    `severities` renames warning, critical and emergency. `routes` says whom Alertmanager tells without the receiver: by
    severity, by what the alert asks for (`"security-rollback"`), or by the name of an escalation level. `mute` says when
    it does not tell them.

    If something undoes a rollback, the receiver restores it for `keep`; afterwards, or without `keep`, people are told.
    `complete` is the gate after the last stage. Success is required there in any case, over the whole bake time of that
    stage. For `watch_after` the rollout is then still guarded, and afterwards it is complete.

    `checks` are made at these times after each stage was entered (`"15m"` is short for `Check("15m")`). While anything
    fires, a further check is made every `checks_while_firing`. Every check and every gate out of a stage asks all
    `probes`.

    The rollout does not go forward during any of its `freezes`, and only within its `hours`; a rollback waits for neither. It
    begins once the rollouts in `waits_for` are complete, and is rolled back with any rollout in `goes_back_with`.
    `acknowledge` says who should acknowledge an incident by when, and who is told if nobody has.

    `procedures` are chapters of the runbook, by title, for what people do by hand: how to verify staging, what to do
    after a rollback. `quick_reference` has commands for whoever watches the rollout, in a chapter of its own.
    """

    name: Name
    service: Name
    stages: Sequence[Stage] = Field(default=(), kw_only=True)
    guardrails: Sequence[Guardrail] = Field(kw_only=True)
    slos: Sequence[Slo] = Field(default=(), kw_only=True)
    arms: Arms | None = Field(default=None, kw_only=True)
    sample_ratio: SampleRatio | None = Field(default=None, kw_only=True)
    match: Mapping[LabelName, str] = Field(default_factory=dict, kw_only=True)
    split: HAProxySplit | None = Field(default=None, kw_only=True)
    rollback: Sequence[Step] = Field(default=(), kw_only=True)
    reduced: Reduced | None = Field(default=None, kw_only=True)
    emergency: Sequence[Step] | None = Field(default=None, kw_only=True)
    security: Sequence[Step] | None = Field(default=None, kw_only=True)
    dashboards: Sequence[Dashboard] = Field(default=(), kw_only=True)
    tell: Sequence[Tell] = Field(default=(), kw_only=True)
    tell_rollback: Sequence[Tell] = Field(default=(), kw_only=True)
    tell_emergency: Sequence[Tell] = Field(default=(), kw_only=True)
    tell_security: Sequence[Tell] = Field(default=(), kw_only=True)
    sql: Sequence[SqlSource] = Field(default=(), kw_only=True)
    logs: Sequence[LogSource] = Field(default=(), kw_only=True)
    contacts: Sequence[str] = Field(default=(), kw_only=True)
    procedures: Procedures = Field(default_factory=dict, kw_only=True)
    quick_reference: Sequence[Instruction] = Field(default=(), kw_only=True)
    severities: Mapping[Literal["warning", "critical", "emergency"], SeverityWord] = Field(
        default_factory=dict, kw_only=True
    )
    escalation: Sequence[Level] = Field(default=(), kw_only=True)
    routes: Routes = Field(default_factory=dict, kw_only=True)
    mute: Mutes = Field(default_factory=dict, kw_only=True)
    budget: Budget | None = Field(default=None, kw_only=True)
    checks: Sequence[Period | Check] = Field(default=(), kw_only=True)
    checks_while_firing: Interval | None = Field(default=None, kw_only=True)
    probes: Sequence[Probe] = Field(default=(), kw_only=True)
    proved_within: Period = Field(default="5m", kw_only=True)
    rollbacks_per_day: Annotated[int, Field(ge=0)] = Field(default=3, kw_only=True)
    keep: Period | None = Field(default=None, kw_only=True)
    acknowledge: Sequence[Acknowledge] = Field(default=(), kw_only=True)
    complete: Gate | None = Field(default=None, kw_only=True)
    freezes: Sequence[Freeze] = Field(default=(), kw_only=True)
    hours: Sequence[Hours] = Field(default=(), kw_only=True)
    waits_for: Sequence[Name] = Field(default=(), kw_only=True)
    goes_back_with: Sequence[Name] = Field(default=(), kw_only=True)
    watch_after: Period | None = Field(default=None, kw_only=True)
    report: Report = Field(default_factory=Report, kw_only=True)
    scrape: Interval = Field(default="15s", kw_only=True)
    evaluate: Interval = Field(default="30s", kw_only=True)
    title: str | None = Field(default=None, kw_only=True)
    accept: Accept = Field(default_factory=dict, kw_only=True)

    @model_validator(mode="after")
    def _told_at_start(self) -> Rollout:
        if self.arms is not None and self.arms.told and not self.stages:
            raise ValueError(
                "arms= has no values and there are no stages, so no start gives them; write canary= and stable=, or stages"
            )
        return self

    @model_validator(mode="after")
    def _reduces_something(self) -> Rollout:
        if self.reduced is not None and not self.reduced.enter and self.split is None:
            raise ValueError(
                "reduced= has no steps, and no split= sets its weight; write Reduced(…, enter=[…])"
            )
        return self

    @property
    def compares_split(self) -> bool:
        """Whether the traffic of both arms is compared with the asked shares."""
        asked = self.sample_ratio is not None or self.split is not None
        return asked and not self._cannot_compare and (self.sample_ratio is None or not self.sample_ratio.off)

    @property
    def _cannot_compare(self) -> str:
        """What the comparison needs and does not have; empty for nothing."""
        weights = [stage.weight and amount(stage.weight).value for stage in self.stages]
        if self.arms is None:
            return "no arms= tell them apart"
        if None in weights or all(weight in (0, 1) for weight in weights):
            return "the stages ask for no shares: each needs its weight=, and one of them must be between 0% and 100%"
        if not any(counts_both(one) for one in self.guardrails):
            return "no guardrail that tells them apart counts requests by a Ratio, Latency or SlowerThan"
        return ""

    @model_validator(mode="after")
    def _can_compare(self) -> Rollout:
        said = self.sample_ratio
        if said is not None and not said.off and self._cannot_compare:
            raise ValueError(
                f"sample_ratio= compares the traffic of two arms, and {self._cannot_compare}; add it, or leave sample_ratio= out"
            )
        return self

    @model_validator(mode="after")
    def _can_report(self) -> Rollout:
        judged = [one.name for one in self.guardrails if one.success]
        unknown = [name for name in self.report.guardrails if name not in judged]
        if unknown:
            raise ValueError(
                f"report= names {unknown[0]!r}, and no guardrail of that name has success=; "
                f"those that have are {', '.join(judged) or 'none'}"
            )
        return self

    @model_validator(mode="after")
    def _later_each(self) -> Rollout:
        times = [duration(one.within) for one in self.acknowledge]
        if any(later <= before for before, later in pairwise(times)):
            raise ValueError(
                "acknowledge= has a deadline that is not after the one before; write the shortest first"
            )
        return self

    @model_validator(mode="after")
    def _ends(self) -> Rollout:
        words = ("complete", "watch_after", "freezes", "hours", "waits_for")
        told = [word for word in words if getattr(self, word)]
        if told and not self.stages:
            raise ValueError(
                f"{told[0]}= is for what goes forward, and without stages nothing does; leave it out"
            )
        gates = [stage.gate for stage in self.stages] + [self.complete]
        if any(gate is not None and gate.budget_left for gate in gates) and not self.slos:
            raise ValueError("budget_left= asks for an error budget, and there is none; declare slos=")
        return self


__all__ = [
    "Acknowledge",
    "Approval",
    "Arms",
    "Budget",
    "Channel",
    "Gate",
    "HAProxySplit",
    "Level",
    "Rollout",
    "Stage",
]
