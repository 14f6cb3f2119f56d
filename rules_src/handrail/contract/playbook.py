"""What the compiler tells the receiver: the playbook, one JSON file per rollout.

Durations are seconds, ratios 0..1, sizes bytes. Times and texts are final: the receiver never computes a threshold
and never takes a value from an alert.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from handrail.contract import names
from handrail.contract.channels import Tell
from handrail.contract.criteria import Criterion
from handrail.contract.reporting import DashboardFacts, FigureFacts, ObjectiveFacts, ReportFacts
from handrail.contract.stage_checks import BurstFacts, CheckFacts, GateChecks, ProbeFacts, Question
from handrail.contract.steps import Step
from handrail.contract.version_sources import VersionSource

ActionName = Literal["investigate", "hold", "rollback", "emergency-rollback", "security-rollback", "promote"]

AtDeadline = Literal["hold", "rollback", "page"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arms(_Model):
    """The label that tells the versions apart, and its two values."""

    label: str
    canary: str
    stable: str


CANARY_VERSION = "${canary}"
STABLE_VERSION = "${stable}"
"""Stand in a query for the label's values of the arms, until these are known."""


class GivenArms(Arms):
    """The same, with values that were given when the attempt started.

    `traffic` has a query for the events per second of each arm, the canary's first; none where no guardrail counts events.
    """

    given: Literal[True]
    traffic: tuple[str, ...] = ()

    @staticmethod
    def quoted(value: str) -> str:
        """A value as it stands in a query."""
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class OpenArms(_Model):
    """The label that tells the versions apart; its two values are read when an attempt starts, or given.

    `traffic` asks for the canary's events per second; empty where no guardrail counts events.
    """

    label: str
    canary: VersionSource | None = None
    stable: VersionSource | None = None
    traffic: str = ""

    @property
    def to_give(self) -> tuple[str, ...]:
        """The arms whose versions nothing is read for."""
        arms = {names.CANARY: self.canary, names.STABLE: self.stable}
        return tuple(arm for arm, source in arms.items() if source is None)

    def filled(self, expr: str, arms: GivenArms) -> str:
        """A query of the playbook with the versions in it."""
        for written, value in ((CANARY_VERSION, arms.canary), (STABLE_VERSION, arms.stable)):
            expr = expr.replace(f'{self.label}="{written}"', f"{self.label}={arms.quoted(value)}")
        return expr


class StageFacts(_Model):
    """A share of traffic (0..1; None: it is not set by weight) that bakes for `bake` seconds (None: it never ends).

    An older playbook calls that `hold`. In the first `warm_up` seconds, before it bakes, only emergencies are acted on.
    With `advance` "when-met" the next stage is entered as soon as its gate is open. `at_deadline` says what happens to a
    stage that is still there `deadline` seconds after it was entered (None: it may stay). Without enough data it bakes
    up to `prolong` seconds longer, and is held then (None: it waits without an end).
    """

    name: str
    weight: float | None
    bake: float | None = Field(validation_alias=AliasChoices("bake", "hold"))
    enter: tuple[Step, ...] = ()
    advance: Literal["by-hand", "when-met"] = "by-hand"
    warm_up: Annotated[float, Field(ge=0)] = 0
    deadline: float | None = None
    at_deadline: AtDeadline = "hold"
    prolong: float | None = None

    @property
    def takes(self) -> float:
        """Seconds from entering the stage to the earliest end of its bake time."""
        return self.warm_up + (self.bake or 0)


class Approval(_Model):
    """Somebody must approve as `role`, which counts for `valid_for` seconds.

    With `four_eyes` it must be somebody else than whoever starts, promotes or answered a question of the gate.
    """

    role: str
    valid_for: float
    four_eyes: bool


class Gate(_Model):
    """What must be true to enter stage `into` (`complete`: after the last stage).

    For the last `stable_for` seconds nothing may have fired, or nothing of these `severities`. `budget_left` (0..1) is
    how much of each error budget must be left; it has its entry in `criteria`. `checklist` has the questions of the
    checks in the stage before; `checks` says what those checks must be like (None: anything).
    """

    into: str
    criteria: tuple[Criterion, ...] = ()
    manual: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    stable_for: float | None = None
    severities: tuple[str, ...] = ()
    budget_left: float | None = None
    checklist: tuple[Question, ...] = ()
    checks: GateChecks | None = None

    @property
    def questions(self) -> tuple[str, ...]:
        """All that it asks people, in the order in which they are numbered."""
        return (*self.manual, *(one.text for one in self.checklist))


class Freeze(_Model):
    """Nothing goes forward from `begins` to `ends` (seconds since 1970)."""

    begins: float
    ends: float
    why: str = ""


class Hours(_Model):
    """On these days (0 is Monday) it may go forward from `begins` to `ends` (like 09:00), local time of `zone`."""

    days: tuple[int, ...]
    begins: str
    ends: str
    zone: str


class Confirmation(_Model):
    """Ask `expr` again after `after` seconds; a sample confirms. `unreachable` says what to do without an answer."""

    after: float
    expr: str
    unreachable: Literal["act", "hold", "page"]


class StageFigure(_Model):
    """A limit's figure in one stage (`stage` None: in all others; `figure` None: no limit there)."""

    stage: str | None
    figure: Decimal | None


class LimitFacts(_Model):
    """One limit of a tier: it fires while the signal is `op` the figure, or the figure times its `reference`.

    With `points` the figure is added to the reference (negative for a drop). A relative limit is never below `floor`, and
    there is none while the reference is below `least`. `signal` is empty for the guardrail's own measure. `text` says the
    limit in words. `past` is the query for a reference that is one figure from the past; empty for all others.
    """

    signal: str
    op: Literal[">", ">=", "<", "<="]
    figures: tuple[StageFigure, ...]
    reference: str | None
    points: bool
    state: str | None
    floor: Decimal | None = None
    least: Decimal | None = None
    text: str
    past: str = ""


class TierFacts(_Model):
    """One alert of a guardrail, as the receiver must know it to check what a notification claims.

    A hold that it caused ends automatically `resume_after` seconds after it last fired (None: a person ends it).
    `opens_incident`: it wakes people until somebody acknowledges it, whatever it asks for.
    """

    tier: str
    alertname: str
    severity: str
    action: ActionName
    expr: str
    shadow: bool = False
    confirmation: Confirmation | None = None
    limits: tuple[LimitFacts, ...] = ()
    resume_after: float | None = None
    opens_incident: bool = False


class ReferenceQuery(_Model):
    """A figure to capture: `reference` is `before` (at start) or `stage:<name>` (when that stage ends)."""

    reference: str
    expr: str


class GuardrailFacts(_Model):
    """A guardrail as the receiver sees it.

    `needs` are selectors of the series it needs: one series of each group must exist; an optional guardrail needs none.
    `title` is its name for people, `unit` that of its values; both are empty in an older playbook. `failed` is the query
    for how many requests of the judged arm failed over SPAN; empty where it counts none. `only_while` has the signals
    (empty: its own measure) that are judged only while a condition holds, or once they were seen; else they have no value.
    """

    name: str
    title: str = ""
    unit: str = ""
    tiers: tuple[TierFacts, ...]
    references: tuple[ReferenceQuery, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    failed: str = ""
    only_while: tuple[str, ...] = ()


class Proof(_Model):
    """The rollback is proved when `expr` (the canary's traffic) is at most `at_most` within `within` seconds; no sample is no proof.

    `serves` must have a sample as well, where it is there: the stable version has traffic, or nobody asked either of them
    lately. Each of `probes` must be answered as it should be.
    """

    expr: str
    at_most: float
    within: float
    serves: str = ""
    probes: tuple[ProbeFacts, ...] = ()


class Acknowledge(_Model):
    """`who` should acknowledge an incident `within` so many seconds; if nobody has, the people in `tell` are told."""

    within: Annotated[float, Field(gt=0)]
    who: str
    tell: tuple[Tell, ...] = ()


class Action(_Model):
    """The steps of one action, in order, the proof that it worked, and who is told.

    `weight` is the share of traffic (0..1) that `reduce` leaves the canary (None: it is not set by weight).
    """

    name: Literal[ActionName, "reduce"]
    steps: tuple[Step, ...] = ()
    proof: Proof | None = None
    tell: tuple[Tell, ...] = ()
    weight: float | None = None


class Playbook(_Model):
    """All that the receiver knows about one rollout.

    For `keep` seconds a rollback that something undoes is done again. After its last gate the rollout is guarded for
    `watch_after` seconds more, and then complete. It goes forward in no freeze, and only within its hours if it has any.
    It begins once the rollouts in `waits_for` are complete, and is rolled back with any in `goes_back_with`.
    `acknowledge` has the deadlines for acknowledging an incident, the shortest first. While anything fires, a further
    check is made every `checks_while_firing` seconds (None: none). `figures` and `objectives` are what a `report` asks
    Prometheus for. `environment` is the alerts' label of that name. `rules_digest` is what Prometheus records as
    `handrail:rules:info{digest}` while it has the matching rules, and `rule_groups` are the names of their groups; all
    three are empty in an older playbook.
    """

    version: Literal[1] = 1
    rollout: str
    service: str
    environment: str = ""
    rules_digest: str = ""
    rule_groups: tuple[str, ...] = ()
    arms: Arms | GivenArms | OpenArms | None
    stages: tuple[StageFacts, ...]
    gates: tuple[Gate, ...]
    guardrails: tuple[GuardrailFacts, ...]
    actions: tuple[Action, ...]
    checks: tuple[CheckFacts, ...] = ()
    checks_while_firing: float | None = None
    probes: tuple[ProbeFacts, ...] = ()
    bursts: tuple[BurstFacts, ...] = ()
    budget_per_day: Annotated[int, Field(ge=0)] = 3
    keep: Annotated[float, Field(ge=0)] = 0
    watch_after: Annotated[float, Field(ge=0)] = 0
    freezes: tuple[Freeze, ...] = ()
    hours: tuple[Hours, ...] = ()
    waits_for: tuple[str, ...] = ()
    goes_back_with: tuple[str, ...] = ()
    acknowledge: tuple[Acknowledge, ...] = ()
    report: ReportFacts = ReportFacts()
    figures: tuple[FigureFacts, ...] = ()
    objectives: tuple[ObjectiveFacts, ...] = ()
    runbook_url: str
    dashboard_url: str
    dashboards: tuple[DashboardFacts, ...] = ()

    @field_validator("checks", mode="before")
    @classmethod
    def _of_before(cls, checks: object) -> object:
        """An older playbook has only their times."""
        several = checks if isinstance(checks, list | tuple) else ()
        return [{"at": one} if isinstance(one, int | float) else one for one in several] or checks

    def checks_of(self, stage: str) -> tuple[CheckFacts, ...]:
        """The checks that are made in a stage, the earliest first."""
        return tuple(
            sorted((one for one in self.checks if one.stage in {None, stage}), key=lambda one: one.at)
        )

    def owed_by(self, stage: str) -> tuple[CheckFacts | BurstFacts, ...]:
        """What must have been made before a stage is left; checks of every stage count only up to its end."""
        facts = next((one for one in self.stages if one.name == stage), None)
        takes = facts.takes if facts else 0
        checks = (one for one in self.checks_of(stage) if one.stage is not None or one.at <= takes)
        bursts = (one for one in self.bursts if one.stage == stage)
        return tuple(sorted((*checks, *bursts), key=lambda one: one.at))

    def with_versions(self, canary: str, stable: str) -> Playbook:
        """The same with these versions as its arms, in its queries as well; unchanged where they are declared."""
        still_open = self.arms
        if not isinstance(still_open, OpenArms):
            return self
        arms = GivenArms(label=still_open.label, canary=canary, stable=stable, given=True)
        filled = partial(still_open.filled, arms=arms)
        if ours := still_open.traffic:
            theirs = ours.replace(CANARY_VERSION, STABLE_VERSION)
            arms = arms.model_copy(update={"traffic": (filled(ours), filled(theirs))})

        def figure(query: ReferenceQuery) -> ReferenceQuery:
            return query.model_copy(update={"expr": filled(query.expr)})

        def facts(guardrail: GuardrailFacts) -> GuardrailFacts:
            needs = tuple(tuple(map(filled, any_of)) for any_of in guardrail.needs)
            references = tuple(map(figure, guardrail.references))
            failed = filled(guardrail.failed)
            return guardrail.model_copy(update={"needs": needs, "references": references, "failed": failed})

        def action(one: Action) -> Action:
            proof = one.proof and one.proof.model_copy(
                update={"expr": filled(one.proof.expr), "serves": filled(one.proof.serves)}
            )
            return one.model_copy(update={"proof": proof})

        return self.model_copy(
            update={
                "arms": arms,
                "guardrails": tuple(map(facts, self.guardrails)),
                "actions": tuple(map(action, self.actions)),
            }
        )

    def action(self, name: str) -> Action | None:
        """The action called `name`, or None when this rollout does not have it."""
        return next((action for action in self.actions if action.name == name), None)

    @property
    def aside(self) -> frozenset[str]:
        """The tiers, as guardrail/tier, that speak against nothing: in shadow mode, and `thin`, with too few events to judge."""
        return frozenset(
            f"{facts.name}/{tier.tier}"
            for facts in self.guardrails
            for tier in facts.tiers
            if tier.shadow or tier.tier == names.THIN
        )

    def stage_after(self, name: str) -> StageFacts | None:
        """The stage that follows the one called `name`, or None after the last."""
        places = [place for place, stage in enumerate(self.stages) if stage.name == name]
        return self.stages[places[0] + 1] if places and places[0] + 1 < len(self.stages) else None

    def tier(self, guardrail: str, name: str) -> TierFacts | None:
        """The tier called `name` of a guardrail, or None when this rollout does not have it."""
        tiers = (tier for facts in self.guardrails if facts.name == guardrail for tier in facts.tiers)
        return next((tier for tier in tiers if tier.tier == name), None)
