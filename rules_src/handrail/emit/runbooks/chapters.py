"""A rollout of the plan → what its runbook says, chapter by chapter, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail import contract, plan
from handrail.contract import names
from handrail.emit.runbooks.byhand import ByHand, by_hand, page_by_hand
from handrail.plan.timing import Times, timing
from handrail.report.check_words import at_rest, gate_checks, looked_at, seen_for
from handrail.report.stage_words import by_itself
from handrail.report.wording import burn_rates, enough_bad, limits, meaning, rounded_up, share
from handrail.units import Unit, show, span

BY_ITSELF = {
    "investigate": "Nothing changes automatically: a person looks.",
    "hold": "The rollout stays in its stage until a person resumes it, or until the alert is over for as long as `resume_after` says.",
    "reduce": "A person asks for less than a rollback: `handrail rollout reduce`. Handrail sets the smaller share and holds the rollout; `handrail rollout retry` enters the stage again.",
    "rollback": "Handrail rolls back.",
    "emergency-rollback": "Handrail rolls back at once and tells everybody on the list.",
    "security-rollback": "Handrail rolls back at once and tells security.",
}


@dataclass(frozen=True)
class TierRow:
    """A row of the table of tiers. `done` is empty if nothing is done automatically."""

    name: str
    limit: str
    sustained: str
    severity: str
    action: str
    fires: str
    done: str
    note: str


@dataclass(frozen=True)
class Section:
    """What alerts link to: a guardrail or an objective, by its anchor. `blind` is empty if nothing can make it blind.

    `as_for` is the earlier section that has the same steps, empty if there is none.
    """

    anchor: str
    title: str
    impact: str
    meaning: str
    success: str
    shadow: bool
    tiers: tuple[TierRow, ...]
    blind: str
    thin: str
    look: tuple[str, ...]
    fix: tuple[str, ...]
    steps: tuple[plan.Instruction, ...]
    optional: bool = False
    as_for: str = ""


@dataclass(frozen=True)
class StageRow:
    """A row of the table of stages; `asks` is what the gate into it wants."""

    name: str
    traffic: str
    bake: str
    asks: tuple[str, ...]


@dataclass(frozen=True)
class SignOff:
    """What people say before a stage is entered: the gate's asks, and the commands that keep who said so."""

    stage: str
    asks: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class ActionRow:
    """What one action does automatically; `same` names the action that has the same steps."""

    name: str
    words: str
    steps: tuple[str, ...]
    same: str
    proof: str
    tells: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """All of a runbook."""

    rollout: plan.Rollout
    environment: plan.Environment
    file: str
    sections: tuple[Section, ...]
    stages: tuple[StageRow, ...]
    actions: tuple[ActionRow, ...]
    columns: tuple[str, ...]
    matrix: tuple[tuple[str, ...], ...]
    manual: tuple[tuple[str, tuple[ByHand, ...]], ...]
    told: tuple[tuple[str, tuple[str, ...]], ...]
    paged: tuple[str, ...]
    escalation: tuple[tuple[str, str, str], ...]
    checks: tuple[str, ...]
    sign_offs: tuple[SignOff, ...]


def book(rollout: plan.Rollout, environment: plan.Environment) -> Book:
    """The runbook of a rollout."""
    times = timing(rollout)
    asked = {alert.action for guardrail in rollout.guardrails for alert in guardrail.alerts}
    columns = tuple(action for action in names.ACTIONS if action in asked)
    return Book(
        rollout=rollout,
        environment=environment,
        file=names.runbook_file(rollout.name),
        sections=tuple(
            _said_once(
                [
                    *(_guardrail(chain, times, rollout.stages) for chain in rollout.guardrails),
                    *(_slo(chain, times) for chain in rollout.slos),
                ]
            )
        ),
        stages=tuple(_stages(rollout)),
        actions=tuple(
            action
            for action in _actions(rollout)
            if action.name in {*asked, "hold", names.REDUCE, "rollback"}
        ),
        columns=columns,
        matrix=tuple(_matrix(chain, columns) for chain in rollout.guardrails if chain.alerts),
        manual=tuple(_manual(rollout)),
        told=tuple((one.name, _told(one)) for one in _acting(rollout) if one.tell),
        paged=tuple(
            dict.fromkeys(
                page_by_hand(tell.channel, rollout.name)
                for action in _acting(rollout)
                for tell in action.tell
                if isinstance(tell.channel, contract.PagerDuty)
            )
        ),
        escalation=tuple(
            (span(level.after), ", ".join(level.severities) or "any", level.tell)
            for level in rollout.escalation
        ),
        checks=tuple(f"{when}, {where}: {what}" for when, where, what in looked_at(rollout.playbook)),
        sign_offs=tuple(_sign_offs(rollout)),
    )


def _said_once(sections: Sequence[Section]) -> Iterable[Section]:
    """The sections; steps that several share are in the first one only."""
    first: dict[tuple[plan.Instruction, ...], str] = {}
    for section in sections:
        known = first.setdefault(section.steps, section.anchor)
        yield section if known == section.anchor or not section.steps else replace(section, as_for=known)


def _guardrail(
    guardrail: plan.Guardrail, times: Mapping[str, Times], stages: Sequence[plan.Stage]
) -> Section:
    seen_by_absence = all(isinstance(signal.measure, plan.Absence) for signal in guardrail.signals)
    return Section(
        anchor=guardrail.name,
        title=guardrail.title,
        impact=guardrail.runbook.impact,
        meaning=_split(guardrail.split, stages) if guardrail.split else _meaning(guardrail),
        success="" if guardrail.shadow else ", and ".join(success.text for success in guardrail.success),
        shadow=guardrail.shadow,
        tiers=tuple(_tier(alert, limits(alert), times[alert.name]) for alert in guardrail.alerts),
        blind="" if seen_by_absence else rounded_up(times[guardrail.blind.name].fires_at_last),
        thin="" if guardrail.thin is None else span(guardrail.thin.sustained),
        look=guardrail.runbook.look,
        fix=guardrail.runbook.fix,
        steps=guardrail.runbook.steps,
        optional=guardrail.seen is not None,
    )


def _meaning(guardrail: plan.Guardrail) -> str:
    """What is measured, and the further measures of its tiers."""
    first, *rest = guardrail.signals
    said = ((one, meaning(one.measure, enough_bad(guardrail, one))) for one in (first, *rest))
    return " ".join(
        text if one == first else f"`{one.name}`: {text}"
        for one, text in said
        if one == first or not isinstance(one.measure, plan.StateChanges)
    )


def _split(split: plan.SampleRatio, stages: Sequence[plan.Stage]) -> str:
    """What is compared with the share that is asked for, and how many requests it takes to find a mismatch."""
    times = ", ".join(
        f"about {split.finds(2, float(stage.weight))} requests in stage {stage.name}"
        for stage in stages
        if stage.weight and stage.has_both
    )
    series = " and ".join(f"`{one}`" for one in split.counted)
    return (
        f"The canary's part of the requests that {series} counted in the last {span(split.window)}, since the stage asks for its share. "
        "It is called a mismatch only once there are enough requests to rule out chance: "
        f"if the canary has twice the odds it should have, that takes {times}."
    )


def _slo(slo: plan.Slo, times: Mapping[str, Times]) -> Section:
    budget = show(1 - slo.objective, Unit.ratio)
    over = (
        "in each calendar month, of which the budget starts again"
        if slo.monthly
        else f"over {span(slo.window)}"
    )
    goal = f"{show(slo.objective, Unit.ratio)} of the {slo.counts} must be good {over}"
    few = f"With fewer than {slo.least} {slo.counts} in a window it is not judged."
    tiers = tuple(
        _tier(
            alert,
            burn_rates(burns),
            times[alert.name],
        )
        for alert, (_, burns) in zip(slo.alerts, slo.burns, strict=True)
    )
    return Section(
        anchor=f"slo-{slo.name}",
        title=f"Error budget: {slo.title}",
        impact=slo.runbook.impact,
        meaning=f"{goal}, so {budget} may be bad: that is the error budget. A limit says which part of it is lost in which time; at a burn rate of 1 the budget lasts exactly as long as it has to. "
        f"{share(slo.measure)}. {few}{_of_month(slo)}",
        success="",
        shadow=False,
        tiers=tiers,
        blind=rounded_up(times[slo.blind.name].fires_at_last),
        thin="",
        look=slo.runbook.look,
        fix=slo.runbook.fix,
        steps=slo.runbook.steps,
    )


def _of_month(slo: plan.Slo) -> str:
    if not slo.monthly:
        return ""
    return " Alerts say how fast it is lost now, as if a month had 30 days and went on across its end; they do not say how much is left."


def _tier(alert: plan.Alert, limit: str, times: Times) -> TierRow:
    acts = alert.action in names.ACTING
    return TierRow(
        name=alert.tier,
        limit=limit,
        sustained=span(alert.sustained) if alert.sustained else "at once",
        severity=alert.severity,
        action=alert.action,
        fires=_between(times.fires, times.fires_at_last),
        done=_between(times.done, times.done_at_last) if acts else "",
        note=alert.note or "",
    )


def _between(quick: timedelta, slow: timedelta) -> str:
    shortest, longest = rounded_up(quick), rounded_up(slow)
    return shortest if shortest == longest else f"{shortest} to {longest}"


def _stages(rollout: plan.Rollout) -> Iterable[StageRow]:
    gates = {gate.into: gate for gate in rollout.playbook.gates}
    for stage, facts in zip(rollout.stages, rollout.playbook.stages, strict=True):
        gate = gates.get(stage.name)
        yield StageRow(
            name=stage.name,
            traffic="" if stage.weight is None else show(stage.weight, Unit.ratio),
            bake="; ".join([span(stage.bake) if stage.bake else "for good", *by_itself(facts)]),
            asks=() if gate is None else tuple(_asks(gate)),
        )
    watch = rollout.playbook.watch_after
    asks = tuple(_asks(gates[names.COMPLETE])) if names.COMPLETE in gates else ()
    if watch or asks:
        guarded = f"guarded for {span(timedelta(seconds=watch))} more" if watch else ""
        yield StageRow(names.COMPLETE, "", guarded, asks)


def _sign_offs(rollout: plan.Rollout) -> Iterable[SignOff]:
    """One for each gate that asks people."""
    for gate in rollout.playbook.gates:
        answers = [
            f"handrail rollout check {rollout.name} --item {number} --why 'what you saw'  # {' '.join(question.split())}"
            for number, question in enumerate(gate.questions, 1)
        ]
        approvals = [
            f"handrail rollout approve {rollout.name} --role {approval.role}" for approval in gate.approvals
        ]
        if answers or approvals:
            yield SignOff(gate.into, tuple(_asks(gate)), (*answers, *approvals))


def _asks(gate: contract.Gate) -> Iterable[str]:
    held = [one for one in gate.criteria if not one.guardrail.startswith("slo-")]
    if held:
        few = {1: "its success criterion", 2: "both success criteria"}
        every = few.get(len(held), f"all {len(held)} success criteria")
        yield f"{every} held for the whole stage before, with {seen_for(held)}"
    if gate.budget_left is not None:
        yield f"at least {show(Decimal(str(gate.budget_left)), Unit.ratio)} of each error budget is left"
    yield from at_rest(gate)
    yield from gate_checks(gate.checks)
    yield from gate.questions
    yield from (f"approved by {approval.role}" for approval in gate.approvals)


def _actions(rollout: plan.Rollout) -> Iterable[ActionRow]:
    before: list[contract.Action] = []
    for action in rollout.playbook.actions:
        steps = action.steps
        same = next((other.name for other in before if steps and other.steps == steps), "")
        before.append(action)
        yield ActionRow(
            name=action.name,
            words=BY_ITSELF.get(action.name, ""),
            steps=() if same else tuple(by_hand(step).does for step in steps),
            same=same,
            proof=_proof(action.proof),
            tells=_told(action),
        )


def _told(action: contract.Action) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_channel(tell.channel) for tell in action.tell))


def _acting(rollout: plan.Rollout) -> Iterable[contract.Action]:
    """The actions in the decision matrix: the rollback, other rollbacks that alerts ask for, and actions with
    recipients of their own.
    """
    asked = {"rollback", *(alert.action for guardrail in rollout.guardrails for alert in guardrail.alerts)}
    acting = [one for one in rollout.playbook.actions if one.name in names.ACTING]
    return [one for one in acting if one.name in asked or one.tell != acting[0].tell]


def _proof(proof: contract.Proof | None) -> str:
    if proof is None:
        return ""
    within = span(timedelta(seconds=proof.within))
    least = "no traffic" if proof.at_most == 0 else f"at most {proof.at_most:g} events per second"
    text = (
        f"It is proved when the new version is seen to have {least}, within {within} at the latest. Prometheus is asked:\n\n"
        f"```promql\n{proof.expr}\n```"
    )
    if proof.serves:
        text += (
            "\n\nAnd when the stable version serves: this query then has a result, also if neither version had a request lately.\n\n"
            f"```promql\n{proof.serves}\n```"
        )
    for probe in proof.probes:
        text += f"\n\nAnd when probe {probe.name} is answered as it should be: `{probe.url}`."
    if contract.CANARY_VERSION not in proof.expr:
        return text
    told = f"`{contract.CANARY_VERSION}` and `{contract.STABLE_VERSION}` are the attempt's versions"
    return f"{text}\n\n{told}: `handrail rollout status` names them."


def _channel(channel: contract.Channel) -> str:
    match channel:
        case contract.Slack():
            return f"Slack {channel.channel}"
        case contract.Mail():
            return f"mail to {channel.to}"
        case contract.PagerDuty():
            return f"PagerDuty, service key {channel.routing_key.name}"
        case contract.Webhook() | contract.StatusPage() | contract.CDEvents():
            return channel.url


def _matrix(guardrail: plan.Guardrail, columns: tuple[str, ...]) -> tuple[str, ...]:
    def cell(action: str) -> str:
        cells = (
            limits(alert) + (f" sustained for {span(alert.sustained)}" if alert.sustained else "")
            for alert in guardrail.alerts
            if alert.action == action
        )
        return "; ".join(cells)

    return (guardrail.name, *map(cell, columns))


def _manual(rollout: plan.Rollout) -> Iterable[tuple[str, tuple[ByHand, ...]]]:
    known: list[tuple[contract.Step, ...]] = []
    for action in rollout.playbook.actions:
        if action.steps and action.steps not in known:
            known.append(action.steps)
            yield action.name, tuple(map(by_hand, action.steps))
