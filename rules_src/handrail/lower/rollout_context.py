"""A rollout and its environment → what each of its guardrails takes from them: names, labels, stages, links."""

from __future__ import annotations

from dataclasses import dataclass

from handrail import plan
from handrail.contract import names
from handrail.declare import guardrail as declared
from handrail.declare.rollout import Arms, Rollout
from handrail.lower.plan_measures import MeasureContext
from handrail.lower.scale import Scale
from handrail.promql import comparisons


@dataclass(frozen=True)
class RolloutContext:
    """What a guardrail takes from its rollout: names, stages, arms, and the links of its alerts.

    `service` is the address of its service in this environment, empty if none is declared. `dashboards` is the base
    address of dashboards, `shared` the environment's name if one Grafana has those of several. `failed_queries` are the
    names under which sql_exporter may say here that a query failed.
    """

    rollout: Rollout
    environment: str
    measuring: MeasureContext
    stages: tuple[plan.Stage, ...]
    runbook_url: str
    dashboards: str
    shared: str
    service: str = ""
    failed_queries: tuple[str, ...] = ()

    def dashboard(self, name: str = "") -> str:
        """The address of a dashboard; the rollout's own one has no name."""
        return f"{self.dashboards}/{names.dashboard_uid(self.rollout.name, name, self.shared)}"

    def address_of(self, url: str) -> str:
        """A path of the service with its address; a whole address as it is."""
        return f"{self.service or names.NO_ADDRESS}{url}" if url.startswith("/") else url

    @property
    def scale(self) -> Scale:
        """How fast time runs in this environment."""
        return self.measuring.scale

    def severity(self, tier: str, own: str | None = None) -> str:
        """The severity label of a tier in the rollout's own words."""
        known: dict[str, str] = {str(key): word for key, word in self.rollout.severities.items()}
        return own or known.get(tier, tier)

    def labels(
        self, guardrail: str, tier: str, severity: str, action: str, mode: str = "active"
    ) -> tuple[tuple[str, str], ...]:
        """The labels that every alert carries; those of a shadow say that it is one."""
        labels = (
            (names.ROLLOUT, self.rollout.name),
            (names.SERVICE, self.rollout.service),
            (names.GUARDRAIL, guardrail),
            (names.TIER, tier),
            (names.SEVERITY, severity),
            (names.ACTION, action),
            (names.ENVIRONMENT, self.environment),
        )
        return (*labels, (names.MODE, names.SHADOW)) if mode == names.SHADOW else labels

    def arms_of(self, guardrail: declared.Guardrail) -> plan.Arms | None:
        """The arms a guardrail tells apart; None if it judges the whole service."""
        return None if guardrail.whole_service else lower_arms(self.rollout.arms)

    def scope_of(self, guardrail: declared.Guardrail) -> comparisons.Scope:
        """The scope in which the guardrail's conditions are judged."""
        return comparisons.Scope(self.rollout.name, guardrail.name, self.stages, self.arms_of(guardrail))


def lower_arms(arms: Arms | None) -> plan.Arms | None:
    """The plan's arms."""
    if arms is None:
        return None
    if not isinstance(arms.canary, str) or not isinstance(arms.stable, str):
        return plan.Arms(arms.label, names.CANARY, names.STABLE, told=True)
    return plan.Arms(arms.label, arms.canary, arms.stable)
