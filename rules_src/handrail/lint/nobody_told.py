"""nobody-told: an alert of a rollout reaches nobody: no `routes=` names people for it, and the receiver tells nobody.

Alertmanager tells people by severity or by action, the receiver those in `tell=`. Where neither names anybody for a word,
its alerts are recorded and seen on dashboards alone: also those that say that a guardrail is blind or has too few events
(`…Blind`, `…Thin`). Of `<Rollout>ReceiverDown` the receiver cannot tell: its severity needs a route. The heartbeat is for
the receiver, which tells people when it is missing; shadows are for nobody. An empty list in `routes=` says that nobody
is meant. A rollout that names nobody at all may do so where Alertmanager has a configuration of its own
(`existing=["alertmanager"]`), whose routes are not looked at. Levels of the escalation are looked at by `unknown-route`.
A contact of the runbook needs no channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from handrail import plan
from handrail.contract import names
from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.plan.routing import HandrailReceiver, routes_of
from handrail.plan.timing import Times

NAME = "nobody-told"
_SHOWN = 2


def check(rollout: plan.Rollout, _times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every severity with an alert that reaches nobody."""
    told = {action.name for action in rollout.playbook.actions if action.tell}
    if not told and not _people(rollout) and not rollout.routing.nobody:
        return  # said once for the environment, or routed by somebody else
    lost: dict[str, list[plan.Alert]] = {}
    for alert in rollout.alerts:
        by_receiver = alert.action in told and alert != rollout.receiver_down
        if _is_for_people(rollout, alert) and not by_receiver and not _routed(rollout, alert):
            lost.setdefault(alert.severity, []).append(alert)
    for severity, alerts in lost.items():
        what = f"nobody is told of '{severity}' of rollout '{rollout.name}': {_listed(alerts)}"
        if alerts == [rollout.receiver_down]:
            what += ", which the receiver cannot tell of"
        cure = f'name people in routes={{"{severity}": [...]}}, or an empty list'
        yield finding(NAME, rollout.where, what, cure, severity=Severity.warning)


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Rollouts that name nobody at all, in environments whose Alertmanager has our routes alone."""
    for environment in environments:
        if environment.routes or "alertmanager" in environment.existing:
            continue
        for rollout in rollouts:
            if not any((rollout.routes, rollout.tell, rollout.tell_rollback, rollout.tell_emergency)):
                what = f"nobody is told anything about rollout '{rollout.name}' in environment '{environment.name}'"
                cure = 'name people in routes={"critical": [...]}, or tell=[...]'
                yield finding(NAME, rollout, what, cure, severity=Severity.warning)


def _listed(alerts: Sequence[plan.Alert]) -> str:
    more = f" and {len(alerts) - _SHOWN} more" if len(alerts) > _SHOWN else ""
    return ", ".join(alert.name for alert in alerts[:_SHOWN]) + more


def _is_for_people(rollout: plan.Rollout, alert: plan.Alert) -> bool:
    """Whether somebody is to hear of it: no shadow, no level of the escalation, nothing that is for nobody on purpose."""
    labels = dict(alert.labels)
    apart = labels.get(names.MODE) == names.SHADOW or names.LEVEL in labels
    return not apart and not {alert.severity, alert.action} & set(rollout.routing.nobody)


def _people(rollout: plan.Rollout) -> set[str]:
    """Alertmanager's receivers that are people."""
    return {
        one.name
        for one in rollout.routing.receivers
        if not all(isinstance(channel, HandrailReceiver) for channel in one.channels)
    }


def _routed(rollout: plan.Rollout, alert: plan.Alert) -> bool:
    """Whether Alertmanager tells people of it."""
    labels, people = {names.ALERTNAME: alert.name, **dict(alert.labels)}, _people(rollout)
    return any(route.receiver in people for route in routes_of(rollout.routing, labels))
