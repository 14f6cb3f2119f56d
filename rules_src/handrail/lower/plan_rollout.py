"""Loaded declarations → Plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from handrail import plan
from handrail.base import script_of, where_of
from handrail.contract import names
from handrail.declare.environment import Container, Environment
from handrail.declare.rollout import Level, Rollout
from handrail.lower.plan_cluster_access import cluster_access
from handrail.lower.plan_dashboards import lower_dashboards
from handrail.lower.plan_guardrail import lower_guardrail, lower_instructions
from handrail.lower.plan_measures import MeasureContext
from handrail.lower.plan_playbook import lower_playbook
from handrail.lower.plan_promotion import lower_promotion
from handrail.lower.plan_receiver_down import lower_receiver_down
from handrail.lower.plan_routing import lower_routing
from handrail.lower.plan_sample_ratio import lower_sample_ratio
from handrail.lower.plan_slo import lower_slo
from handrail.lower.plan_sources import lower_logs, lower_sql
from handrail.lower.rollout_context import RolloutContext, lower_arms
from handrail.lower.scale import Scale
from handrail.plan.versions import numbers
from handrail.promql.syntax import either
from handrail.report.wording import literal
from handrail.units import amount


def lower(rollouts: Sequence[Rollout], environment: Environment) -> plan.Plan:
    """Everything there is to emit, rollouts by name."""
    return plan.Plan(
        rollouts=tuple(_rollout(rollout, environment) for rollout in sorted(rollouts, key=lambda r: r.name)),
        environment=_environment(environment),
    )


def _rollout(rollout: Rollout, environment: Environment) -> plan.Rollout:
    context = _context(rollout, environment)
    scale = context.scale
    guardrails = tuple(lower_guardrail(guardrail, context) for guardrail in rollout.guardrails)
    slos = tuple(lower_slo(slo, rollout, context) for slo in rollout.slos)
    split = lower_sample_ratio(rollout, context)
    guarded = guardrails if split is None else (*guardrails, split)
    playbook = lower_playbook(rollout, guarded, context)
    receiver_down = lower_receiver_down(context, (*guarded, *slos))
    return plan.Rollout(
        name=rollout.name,
        service=rollout.service,
        title=rollout.title or rollout.name,
        arms=lower_arms(rollout.arms),
        stages=context.stages,
        guardrails=guarded,
        slos=slos,
        dashboards=lower_dashboards(rollout, context),
        escalation=tuple(_level(context, level, scale.duration(level.after)) for level in rollout.escalation),
        heartbeat=_heartbeat(context),
        receiver_down=receiver_down,
        promotion=lower_promotion(playbook, context),
        routing=lower_routing(rollout, environment, (*guarded, *slos), receiver_down),
        sql=tuple(lower_sql(source, scale) for source in rollout.sql),
        logs=lower_logs(rollout, scale),
        contacts=tuple(rollout.contacts),
        procedures=tuple((title, lower_instructions(steps)) for title, steps in rollout.procedures.items()),
        quick_reference=lower_instructions(rollout.quick_reference),
        severities=tuple((tier, context.severity(tier)) for tier in names.TIERS),
        scrape=scale.duration(rollout.scrape),
        evaluate=scale.duration(rollout.evaluate),
        decide_within=scale.duration(rollout.budget.decide) if rollout.budget else None,
        recover_within=scale.duration(rollout.budget.recover) if rollout.budget else None,
        runbook_url=context.runbook_url,
        dashboard_url=context.dashboard(),
        playbook=playbook,
        cluster_access=cluster_access(playbook),
        source=script_of(rollout),
        where=where_of(rollout),
    )


def _context(rollout: Rollout, environment: Environment) -> RolloutContext:
    scale = Scale(environment.faster)
    shared = environment.name if "grafana" in environment.existing else ""
    matchers = {**rollout.match, **environment.match.get(rollout.name, {})}
    return RolloutContext(
        rollout=rollout,
        environment=environment.name,
        measuring=MeasureContext(
            tuple((label, "=", text) for label, text in sorted(matchers.items())), scale
        ),
        stages=tuple(
            plan.Stage(
                stage.name,
                None if stage.weight is None else amount(stage.weight).value,
                scale.maybe(stage.bake),
            )
            for stage in rollout.stages
        ),
        runbook_url=f"{environment.runbooks.rstrip('/')}/{rollout.name}.md",
        dashboards=environment.dashboards.rstrip("/"),
        shared=shared,
        service=environment.services.get(rollout.service, "").rstrip("/"),
        failed_queries=_failed_queries(environment),
    )


def _failed_queries(environment: Environment) -> tuple[str, ...]:
    """The names under which sql_exporter says that a query failed: without the prefix that a scrape job removes, or
    both if no scrape job is declared.
    """
    whole = "sql_exporter_last_scrape_failed"
    dropped = (whole.removeprefix(job.drop_prefix) for job in environment.scrape if job.drop_prefix)
    named = [name for name in dropped if name != whole]
    if environment.scrape:
        return tuple(dict.fromkeys(named)) or (whole,)
    return whole, whole.removeprefix("sql_")


def _level(context: RolloutContext, level: Level, after: timedelta) -> plan.Level:
    rollout, name, tell = context.rollout, level.name, level.tell
    severities = tuple(dict.fromkeys(level.severities))
    heard = f",severity=~{json.dumps(either(severities))}" if severities else ""
    alert = _rollout_alert(
        rollout,
        name=names.camel(rollout.name) + "Escalation" + names.camel(name),
        guardrail=names.ESCALATION,
        action="investigate",
        expr=_unacknowledged(context, heard),
        sustained=after,
        summary=f"{rollout.name}: an alert is unresolved; escalated to {literal(tell)}",
        description=f"{{{{ $labels.guardrail }}}} ({{{{ $labels.tier }}}}) is still unresolved. Escalated to {literal(tell)}.",
        labels=(
            (names.LEVEL, name),
            (names.ACTION, "investigate"),
            (names.ENVIRONMENT, context.environment),
        ),
    )
    return plan.Level(name, after, tell, severities, alert)


def _unacknowledged(context: RolloutContext, heard: str) -> str:
    """The alerts that fire and that nobody has acknowledged: those that began before an acknowledgement are left out.

    While the receiver is away nothing counts as acknowledged. `heard` are more matchers of the alerts.
    """
    name = context.rollout.name
    tiers = "|".join((*names.TIERS, names.BLIND))
    fires = (
        f'ALERTS{{alertstate="firing",rollout="{name}",environment="{context.environment}",'
        f'level="",mode!="shadow",tier=~"{tiers}"{heard}}}'
    )
    since = f'ALERTS_FOR_STATE{{rollout="{name}",environment="{context.environment}"}}'
    known = f'max by (rollout) ({names.ACKNOWLEDGED_METRIC}{{rollout="{name}"}})'
    return (
        f"max by (rollout, service, guardrail, tier, severity) ({fires}\n"
        f"unless ignoring (alertstate) ({since} < on (rollout) group_left () {known}))"
    )


def _heartbeat(context: RolloutContext) -> plan.Alert:
    rollout = context.rollout
    return _rollout_alert(
        rollout,
        name=names.HEARTBEAT_ALERT,
        guardrail=names.HEARTBEAT,
        action="investigate",
        expr="vector(1)",
        sustained=timedelta(),
        summary=f"{rollout.name}: heartbeat",
        description="This alert always fires. When it stops reaching the receiver, other alerts do not reach it either, and nothing is rolled back: see the runbook.",
        labels=context.labels(names.HEARTBEAT, names.HEARTBEAT, "none", "investigate"),
    )


def _rollout_alert(
    rollout: Rollout,
    *,
    name: str,
    guardrail: str,
    action: str,
    expr: str,
    sustained: timedelta,
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
        sustained=sustained,
        keep_firing_for=timedelta(),
        labels=labels,
        summary=summary,
        description=description,
        conditions=(),
        during=None,
        note=None,
        where=where_of(rollout),
    )


def _container(declared: Container | None) -> plan.Container | None:
    if declared is None:
        return None
    return plan.Container(
        declared.image,
        tuple(declared.command),
        tuple(sorted(declared.environment.items())),
        tuple(declared.volumes),
        declared.sees_machine,
    )


def _environment(environment: Environment) -> plan.Environment:
    return plan.Environment(
        name=environment.name,
        receiver=environment.receiver.rstrip("/"),
        token_file=environment.token_file,
        viewer_token_file=environment.viewer_token_file,
        alertmanagers=tuple(environment.alertmanagers),
        prometheus=environment.prometheus.rstrip("/"),
        datasource=environment.datasource,
        datasource_file=environment.datasource_file and "grafana" not in environment.existing,
        scrape=tuple(
            plan.ScrapeJob(
                job.job,
                tuple(job.addresses),
                job.path,
                tuple(sorted(job.labels.items())),
                job.drop_prefix,
                _container(job.container),
            )
            for job in environment.scrape
        ),
        cluster=plan.Cluster(
            environment.cluster.namespace,
            tuple(sorted(environment.cluster.labels.items())),
            environment.cluster.secret,
        ),
        alertmanager=numbers(environment.alertmanager_version),
        existing=frozenset(environment.existing),
        mimir_tenant=environment.mimir_tenant,
    )
