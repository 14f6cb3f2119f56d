"""A rollout of the plan → what a person on call wants to know about it, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from handrail import plan
from handrail.contract import Action, Criterion, Gate, Secret, names
from handrail.plan import routing
from handrail.plan.timing import timing
from handrail.report.budgets import budgets
from handrail.report.check_words import at_rest, gate_checks, looked_at, seen_for
from handrail.report.needed_traffic import needed_traffic
from handrail.report.stage_words import by_itself
from handrail.report.tables import Table
from handrail.report.wording import burn_rates, limits, rounded_up
from handrail.units import Unit, show, span


def explain(rollout: plan.Rollout) -> list[Table]:
    """Everything about one rollout, most wanted first; tables without rows are left out."""
    tables = [
        Table("Stages", ("stage", "traffic", "bakes for", "before it"), tuple(_stages(rollout))),
        Table(
            "Tiers",
            ("guardrail", "tier", "fires when", "sustained", "severity", "action"),
            tuple(_tiers(rollout)),
        ),
        Table(
            "Times, at the latest",
            (
                "guardrail",
                "tier",
                "alert, all fails",
                "alert, just over",
                "done, all fails",
                "done, just over",
            ),
            tuple(_times(rollout)),
        ),
        Table("Checks", ("after", "in", "what"), tuple(looked_at(rollout.playbook))),
        needed_traffic(rollout),
        Table("Goes forward", ("when", "what"), tuple(_forward(rollout))),
        *budgets(rollout),
        Table("Actions", ("action", "what the receiver does", "told"), tuple(_actions(rollout))),
        Table("Notified by Alertmanager", ("when", "who"), tuple(_told(rollout))),
        Table("In operation", ("guardrail", "users notice", "look first", "fix"), tuple(_operation(rollout))),
    ]
    return [table for table in tables if table.rows]


def _chains(rollout: plan.Rollout) -> tuple[plan.Guardrail | plan.Slo, ...]:
    return (*rollout.guardrails, *rollout.slos)


def _stages(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    gates = {gate.into: gate for gate in rollout.playbook.gates}
    for stage, facts in zip(rollout.stages, rollout.playbook.stages, strict=True):
        traffic = "-" if stage.weight is None else show(stage.weight, Unit.ratio)
        bake = "; ".join([span(stage.bake) if stage.bake else "for good", *by_itself(facts)])
        yield stage.name, traffic, bake, _asks(gates.get(stage.name))
    watch, asks = rollout.playbook.watch_after, _asks(gates.get(names.COMPLETE))
    if watch or asks != "-":
        guarded = f"guarded for {span(timedelta(seconds=watch))} more" if watch else "-"
        yield names.COMPLETE, "-", guarded, asks


def _forward(rollout: plan.Rollout) -> Iterator[tuple[str, str]]:
    """When it may go forward, and with which others it goes."""
    playbook = rollout.playbook
    for freeze in playbook.freezes:
        begins, ends = (datetime.fromtimestamp(one, UTC) for one in (freeze.begins, freeze.ends))
        yield f"not from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC", freeze.why or "frozen"
    for hours in playbook.hours:
        days = ", ".join(names.DAYS[day] for day in hours.days)
        yield f"{days} {hours.begins}-{hours.ends}", hours.zone
    yield from (("once it is complete", name) for name in playbook.waits_for)
    yield from (("back when it goes back", name) for name in playbook.goes_back_with)


def _asks(gate: Gate | None) -> str:
    if gate is None:
        return "-"
    held = [one for one in gate.criteria if one.over is not None]
    asked = [
        *(f"{one.guardrail} {one.text}{_of_events(one)}" for one in gate.criteria),
        *([f"each held for the whole stage before, with {seen_for(held)}"] if held else []),
        *at_rest(gate),
        *gate_checks(gate.checks),
        *gate.questions,
        *(f"approval of {one.role}" for one in gate.approvals),
    ]
    return "; ".join(asked) or "-"


def _of_events(criterion: Criterion) -> str:
    return "" if criterion.events is None else f", of at least {criterion.events.least} events"


def _tiers(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    for chain in _chains(rollout):
        for alert in chain.every_alert:
            shadow = " (shadow)" if dict(alert.labels).get(names.MODE) == names.SHADOW else ""
            yield (
                chain.name,
                alert.tier,
                _fires_when(chain, alert),
                span(alert.sustained),
                alert.severity,
                alert.action + shadow,
            )


def _fires_when(chain: plan.Guardrail | plan.Slo, alert: plan.Alert) -> str:
    if alert is chain.blind:
        optional = isinstance(chain, plan.Guardrail) and chain.seen is not None
        return "it cannot be judged, though its data was once there" if optional else "it cannot be judged"
    if alert.tier == names.THIN:
        return "it has events, but too few to judge"
    if isinstance(chain, plan.Slo):
        return f"the budget loses {burn_rates(dict(chain.burns)[alert.tier])}"
    return limits(alert)


def _times(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    known = timing(rollout)
    for chain in _chains(rollout):
        for alert in chain.alerts:
            times = known[alert.name]
            acting = alert.action in names.ACTING
            done = (rounded_up(times.done), rounded_up(times.done_at_last)) if acting else ("-", "-")
            yield chain.name, alert.tier, rounded_up(times.fires), rounded_up(times.fires_at_last), *done


def _actions(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    asked = {alert.action for alert in rollout.alerts}
    for action in rollout.playbook.actions:
        if action.name in asked:
            told = "; ".join(_channel(tell.channel) for tell in action.tell)
            yield (
                action.name,
                "; ".join(_steps(action)) or _WITHOUT_STEPS.get(action.name, "records it"),
                told or "nobody",
            )


_WITHOUT_STEPS = {"hold": "stays in the stage", "promote": "enters the next stage when its gate is open"}


def _steps(action: Action) -> Iterator[str]:
    usual = {
        "kind",
        "timeout",
        "within",
        "tries",
        "on_failure",
        "sockets",
        "token",
        "read",
        "can",
        "api",
        "url",
        "bypasses_approval",
    }
    for step in action.steps:
        said = step.model_dump() if hasattr(step, "model_dump") else vars(step)
        shown = (
            " ".join(value) if isinstance(value, tuple | list) else str(value)
            for key, value in said.items()
            if key not in usual and not key.startswith("_") and value not in (None, {}, ())
            if not (isinstance(value, dict) and any(isinstance(one, Secret) for one in value.values()))
        )
        yield " ".join([step.kind, *shown])


def _channel(channel: object) -> str:
    place = getattr(channel, "channel", None) or getattr(channel, "url", "")
    return f"{getattr(channel, 'kind', '')} {place}".strip()


def _told(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    levels = {level.name: level for level in rollout.escalation}
    alerts = [alert for chain in _chains(rollout) for alert in chain.every_alert]
    for word in dict.fromkeys(alert.severity for alert in alerts):
        yield f"severity {word}", _names(rollout, word)
    for word in dict.fromkeys(alert.action for alert in alerts):
        if told := _names(rollout, word, or_else=""):
            yield f"an alert asks for {word}", told
    if (down := rollout.receiver_down) is not None:
        yield (
            f"the receiver is gone for {span(down.sustained)}",
            _names(rollout, down.severity, or_else="nobody"),
        )
    for name, level in levels.items():
        of = f" ({', '.join(level.severities)})" if level.severities else ""
        yield f"unresolved for {span(level.after)}{of}: {level.tell}", _names(rollout, name)
    for deadline in rollout.playbook.acknowledge:
        within = span(timedelta(seconds=deadline.within))
        told = "; ".join(_channel(tell.channel) for tell in deadline.tell) or "nobody: it is recorded"
        yield f"an incident not acknowledged within {within} by {deadline.who}", told


def _names(rollout: plan.Rollout, word: str, or_else: str = "nobody: only the receiver records it") -> str:
    """Who is told of a severity or level; in a shared Alertmanager the environment stands before the receiver's name."""
    channels = [
        channel
        for receiver in rollout.routing.receivers
        if f"/{receiver.name}".endswith(f"/{rollout.name}/{word}")
        for channel in receiver.channels
    ]
    muted = [
        f", not at {time.said}"
        for time in rollout.routing.mute_times
        if f"/{time.name}".endswith(f"/{rollout.name}/{word}")
    ]
    told = "; ".join(map(_place, channels))
    return f"{told}{''.join(muted)}" if told else or_else


def _place(channel: routing.Channel) -> str:
    match channel:
        case routing.SlackReceiver():
            return f"Slack {channel.channel}"
        case routing.PagerDutyReceiver():
            return f"PagerDuty {channel.routing_key_file}"
        case routing.OpsGenieReceiver():
            return f"OpsGenie {channel.team or channel.api_key_file}"
        case routing.TeamsReceiver():
            return f"Teams {channel.url_file}"
        case routing.EmailReceiver():
            return channel.to
        case routing.HandrailReceiver() | routing.WebhookReceiver():
            return channel.url


def _operation(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    for chain in _chains(rollout):
        book = chain.runbook
        yield chain.name, book.impact or "-", " ".join(book.look) or "-", " ".join(book.fix) or "-"
