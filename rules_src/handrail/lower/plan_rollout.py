"""Loaded declarations → Plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handrail import plan
from handrail.base import script_of, where_of
from handrail.contract import names
from handrail.declare.environment import Environment
from handrail.declare.rollout import Rollout
from handrail.lower.frame import Frame, lower_arms
from handrail.lower.plan_dashboards import lower_dashboards
from handrail.lower.plan_guardrail import lower_guardrail
from handrail.lower.plan_measures import Context
from handrail.lower.plan_playbook import lower_playbook
from handrail.lower.plan_routing import lower_routing
from handrail.lower.plan_slo import lower_slo
from handrail.lower.plan_sources import lower_log, lower_sql
from handrail.lower.scale import Scale
from handrail.plan.versions import OLDEST
from handrail.report.wording import literal
from handrail.units import amount


def lower(
    rollouts: Sequence[Rollout], environment: Environment, alertmanager: tuple[int, int] = OLDEST
) -> plan.Plan:
    """Everything there is to emit, rollouts by name; `alertmanager` is the oldest version that has to read it."""
    return plan.Plan(
        rollouts=tuple(_rollout(rollout, environment) for rollout in sorted(rollouts, key=lambda r: r.name)),
        environment=_environment(environment, alertmanager),
    )


def _rollout(given: Rollout, environment: Environment) -> plan.Rollout:
    frame = _frame(given, environment)
    scale = frame.context.scale
    guardrails = tuple(lower_guardrail(guardrail, frame) for guardrail in given.guardrails)
    slos = tuple(lower_slo(slo, given, frame) for slo in given.slos)
    return plan.Rollout(
        name=given.name,
        service=given.service,
        title=given.title or given.name,
        arms=lower_arms(given.arms),
        stages=frame.stages,
        guardrails=guardrails,
        slos=slos,
        dashboards=lower_dashboards(given, frame),
        escalation=tuple(
            _level(frame, level.name, scale.duration(level.after), level.tell) for level in given.escalation
        ),
        heartbeat=_heartbeat(frame),
        routing=lower_routing(given, environment, (*guardrails, *slos)),
        sql=tuple(lower_sql(source, scale) for source in given.sql),
        logs=tuple(lower_log(source) for source in given.logs),
        contacts=tuple(given.contacts),
        severities=tuple((tier, frame.severity(tier)) for tier in names.TIERS),
        scrape=scale.duration(given.scrape),
        evaluate=scale.duration(given.evaluate),
        decide_within=scale.duration(given.budget.decide) if given.budget else None,
        recover_within=scale.duration(given.budget.recover) if given.budget else None,
        runbook_url=frame.runbook_url,
        dashboard_url=frame.dashboard_url,
        playbook=lower_playbook(given, guardrails, frame),
        source=script_of(given),
        where=where_of(given),
    )


def _frame(given: Rollout, environment: Environment) -> Frame:
    scale = Scale(environment.faster)
    matchers = {**given.match, **environment.match.get(given.name, {})}
    return Frame(
        rollout=given,
        environment=environment.name,
        context=Context(tuple((label, "=", text) for label, text in sorted(matchers.items())), scale),
        stages=tuple(
            plan.Stage(
                stage.name,
                None if stage.weight is None else amount(stage.weight).value,
                scale.maybe(stage.hold),
            )
            for stage in given.stages
        ),
        runbook_url=f"{environment.runbooks.rstrip('/')}/{given.name}.md",
        dashboard_url=f"{environment.dashboards.rstrip('/')}/{names.dashboard_uid(given.name)}",
    )


def _level(frame: Frame, name: str, after: timedelta, tell: str) -> plan.EscalationLevel:
    given = frame.rollout
    alert = _rollout_alert(
        given,
        name=names.camel(given.name) + "Escalation" + names.camel(name),
        guardrail=names.ESCALATION,
        action="investigate",
        expr="max by (rollout, service, guardrail, tier, severity) "
        f'(ALERTS{{alertstate="firing",rollout="{given.name}",environment="{frame.environment}",'
        f'level="",mode!="shadow",tier=~"{"|".join((*names.TIERS, names.BLIND))}"}})',
        hold=after,
        summary=f"An alert of {given.name} is unresolved: {literal(tell)}",
        description=f"{{{{ $labels.guardrail }}}} ({{{{ $labels.tier }}}}) is still unresolved; now {literal(tell)} is told.",
        labels=(
            (names.LEVEL, name),
            (names.ACTION, "investigate"),
            (names.ENVIRONMENT, frame.environment),
        ),
    )
    return plan.EscalationLevel(name, after, tell, alert)


def _heartbeat(frame: Frame) -> plan.Alert:
    given = frame.rollout
    return _rollout_alert(
        given,
        name=names.HEARTBEAT_ALERT,
        guardrail=names.HEARTBEAT,
        action="investigate",
        expr="vector(1)",
        hold=timedelta(),
        summary=f"The guard of {given.name} is awake",
        description="Fires always. When it stops arriving, nobody guards the rollout: see the runbook.",
        labels=frame.labels(names.HEARTBEAT, names.HEARTBEAT, "none", "investigate"),
    )


def _rollout_alert(
    given: Rollout,
    *,
    name: str,
    guardrail: str,
    action: str,
    expr: str,
    hold: timedelta,
    summary: str,
    description: str,
    labels: tuple[tuple[str, str], ...],
) -> plan.Alert:
    return plan.Alert(
        name=name,
        tier=guardrail,
        severity="none",
        action=action,
        expr=expr,
        hold=hold,
        keep_firing_for=timedelta(),
        labels=labels,
        summary=summary,
        description=description,
        conditions=(),
        during=None,
        note=None,
        where=where_of(given),
    )


def _environment(given: Environment, alertmanager: tuple[int, int]) -> plan.Environment:
    return plan.Environment(
        name=given.name,
        receiver=given.receiver.rstrip("/"),
        token_file=given.token_file,
        viewer_token_file=given.viewer_token_file,
        alertmanagers=tuple(given.alertmanagers),
        prometheus=given.prometheus.rstrip("/"),
        datasource=given.datasource,
        scrape=tuple(
            plan.ScrapeJob(
                job.job, tuple(job.addresses), job.path, tuple(sorted(job.labels.items())), job.drop_prefix
            )
            for job in given.scrape
        ),
        cluster=plan.Cluster(
            given.cluster.namespace, tuple(sorted(given.cluster.labels.items())), given.cluster.secret
        ),
        alertmanager=alertmanager,
    )
