"""A rollout's rules as data: one ordered group per guardrail, its chain from record to alert.

Written down as a rules file and as a PrometheusRule.
"""

from __future__ import annotations

from datetime import timedelta

from handrail.contract import GroupFacts, RuleFacts, names, rules_digest
from handrail.emit.document import Data
from handrail.plan import Alert, Guardrail, Recording, Rollout, Slo
from handrail.units import duration, span

GATE_EVERY = timedelta(minutes=1)


def rules(rollout: Rollout) -> Data:
    """Every group of the rollout, and the digest of them all beside the heartbeat."""
    groups = _groups(rollout)
    groups[-1]["rules"].append(_recording(_info(rollout, rules_digest(map(_facts, groups)))))
    return {"groups": groups}


def _info(rollout: Rollout, digest: str) -> Recording:
    """The recording of the rules' digest, which the playbook has too: shows which version of the rules is loaded."""
    labels = (
        (names.ROLLOUT, rollout.name),
        (names.ENVIRONMENT, rollout.playbook.environment),
        (names.DIGEST, digest),
    )
    return Recording(names.RULES_INFO, "vector(1)", labels)


def digest_and_names(rollout: Rollout) -> tuple[str, tuple[str, ...]]:
    """The digest of every rule of the rollout, by which the receiver knows them again when Prometheus has loaded them, and
    the names of their groups.
    """
    groups = _groups(rollout)
    return rules_digest(map(_facts, groups)), tuple(group["name"] for group in groups)


def _facts(group: Data) -> GroupFacts:
    return GroupFacts(group["name"], _seconds(group["interval"]), tuple(map(_rule, group["rules"])))


def _rule(rule: Data) -> RuleFacts:
    return RuleFacts(
        name=rule.get("record") or rule["alert"],
        query=rule["expr"],
        alert="alert" in rule,
        sustained=_seconds(rule.get("for", "0s")),
        keep=_seconds(rule.get("keep_firing_for", "0s")),
        labels=rule["labels"],
    )


def _seconds(written: str) -> float:
    return duration(written).total_seconds()


def _groups(rollout: Rollout) -> list[Data]:
    groups = [group(rollout, guardrail) for guardrail in rollout.guardrails]
    groups += [_slo(rollout, slo) for slo in rollout.slos]
    if rollout.promotion is not None:
        groups.append(_gate(rollout, rollout.promotion))
    last = [_alert(level.alert, rollout) for level in rollout.escalation]
    own = (rollout.receiver_down, rollout.heartbeat)
    last += [_alert(alert, rollout) for alert in own if alert is not None]
    groups.append(_group(rollout, names.ROLLOUT, last))
    return groups


def group(rollout: Rollout, guardrail: Guardrail) -> Data:
    """The whole chain of one guardrail: evaluated in order, so that an alert sees its own fresh recordings."""
    recordings = [recording for signal in guardrail.signals for recording in signal.recordings]
    known = [one for one in (guardrail.versions, guardrail.seen) if one is not None]
    chain = [_recording(recording) for recording in (guardrail.info, *known, *recordings)]
    chain += [_alert(alert, rollout) for alert in guardrail.every_alert]
    return _group(rollout, guardrail.name, chain)


def _slo(rollout: Rollout, slo: Slo) -> Data:
    chain = [_recording(recording) for recording in (*slo.counted, *slo.ratios)]
    chain += [_alert(alert, rollout) for alert in slo.every_alert]
    return _group(rollout, f"slo-{slo.name}", chain)


def _gate(rollout: Rollout, promotion: Alert) -> Data:
    """The group of the promotion alert: it looks back over whole stages, so it is evaluated seldom."""
    every = max(rollout.evaluate, GATE_EVERY)
    return {**_group(rollout, names.GATE, [_alert(promotion, rollout)]), "interval": span(every)}


def _group(rollout: Rollout, name: str, chain: list[Data]) -> Data:
    return {"name": f"{rollout.name}/{name}", "interval": span(rollout.evaluate), "rules": chain}


def _recording(recording: Recording) -> Data:
    return {"record": recording.record, "expr": recording.expr, "labels": dict(recording.labels)}


def _alert(alert: Alert, rollout: Rollout) -> Data:
    anchor = "stages" if alert is rollout.promotion else dict(alert.labels).get(names.GUARDRAIL, alert.tier)
    rule: Data = {"alert": alert.name, "expr": alert.expr}
    if alert.sustained:
        rule["for"] = span(alert.sustained)
    if alert.keep_firing_for:
        rule["keep_firing_for"] = span(alert.keep_firing_for)
    rule["labels"] = dict(alert.labels)
    rule["annotations"] = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{rollout.runbook_url}#{anchor}",
        "dashboard_url": rollout.dashboard_url,
    }
    return rule
