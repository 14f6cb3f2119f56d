"""Their routes and inhibitions, and our alerts → what would keep our alerts from us, or theirs from them: problems by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handrail.contract import names
from handrail.errors import Problem, Severity, Where
from handrail.output.merging.their_routes import Conditions, Known, TheirInhibition, TheirRoute
from handrail.plan import Plan

_NONE_OF_OURS = "rollout"
"""The label that only alerts of ours have: `rollout=""` leaves them out."""


@dataclass(frozen=True)
class OurAlert:
    """What is known of its labels before it fires."""

    name: str
    labels: Known


def alerts_of(plan: Plan) -> list[OurAlert]:
    """Every alert of the plan; a label that its series or Prometheus may add is not known."""
    return [
        OurAlert(
            alert.name,
            {
                **dict.fromkeys((names.LEVEL, names.MODE, names.STAGE), ""),
                names.ALERTNAME: alert.name,
                names.ROLLOUT: rollout.name,
                names.SERVICE: rollout.service,
                **dict(alert.labels),
            },
        )
        for rollout in plan.rollouts
        for alert in (*rollout.alerts, rollout.heartbeat)
    ]


def on_the_way(path: Sequence[TheirRoute], alerts: Sequence[OurAlert], file: str) -> Iterator[Problem]:
    """What our alerts meet between the root and the last route of `path`, below which ours is the first.

    `path` has no routes of ours beside it.
    """
    for above, here in pairwise(path):
        place = [route.node for route in above.below].index(here.node)
        for route in above.below[:place]:
            yield from _caught(route, alerts, file)
        yield from _kept_out(here, alerts, file)
        if here.goes_on:
            for route in above.below[place + 1 :]:
                yield from _caught(route, alerts, file)
                if not route.goes_on and all(route.conditions.take(alert.labels) for alert in alerts):
                    break


def _caught(route: TheirRoute, alerts: Sequence[OurAlert], file: str) -> Iterator[Problem]:
    surely, perhaps = _split(route.conditions, alerts)
    cure = f'merge under another route, or add {_NONE_OF_OURS}="" to its matchers'
    if surely:
        yield _problem(file, route.line, Severity.error, f"this route takes {_some(surely)} as well", cure)
    elif perhaps:
        what = f"this route takes {_some(perhaps)} as well if Prometheus adds the labels that it looks at"
        yield _problem(file, route.line, Severity.warning, what, cure)


def _kept_out(route: TheirRoute, alerts: Sequence[OurAlert], file: str) -> Iterator[Problem]:
    out = [alert for alert in alerts if route.conditions.take(alert.labels) is False]
    _, perhaps = _split(route.conditions, alerts)
    if out:
        cure = "merge under another route, or under the root"
        yield _problem(file, route.line, Severity.error, f"this route does not take {_some(out)}", cure)
    elif perhaps:
        what = f"this route takes {_some(perhaps)} only if Prometheus adds the labels that it looks at"
        cure = "see that external_labels or alert_relabel_configs add them, or merge under the root"
        yield _problem(file, route.line, Severity.warning, what, cure)


def muting(rules: Iterable[TheirInhibition], alerts: Sequence[OurAlert], file: str) -> Iterator[Problem]:
    """Inhibitions of theirs by which our alerts and theirs may mute each other."""
    for rule in rules:
        if {names.ALERTNAME, names.ROLLOUT, names.GUARDRAIL} & {*rule.equal}:
            continue  # what is ours and what is theirs never have the same
        muted = [alert for alert in alerts if rule.target.take(alert.labels) is not False]
        muting = [alert for alert in alerts if rule.source.take(alert.labels) is not False]
        if muted and not _only_ours(rule.source):
            what = f"this rule may mute {_some(muted)} while an alert of yours fires"
            cure = f'add {_NONE_OF_OURS}="" to what it mutes, or leave it if that is meant'
            yield _problem(file, rule.line, Severity.warning, what, cure)
        if muting and not _only_ours(rule.target):
            what = f"this rule may mute alerts of yours while one of ours fires ({_some(muting)})"
            cure = f'add {_NONE_OF_OURS}="" to what it asks of the alert that mutes, or leave it if that is meant'
            yield _problem(file, rule.line, Severity.warning, what, cure)


def _only_ours(conditions: Conditions) -> bool:
    """Whether no alert of theirs can meet them: they ask for a label that only ours have."""
    return conditions.take({_NONE_OF_OURS: "", names.GUARDRAIL: ""}) is False


def _split(conditions: Conditions, alerts: Sequence[OurAlert]) -> tuple[list[OurAlert], list[OurAlert]]:
    """The alerts that they take, and those that they may take."""
    answers = [(conditions.take(alert.labels), alert) for alert in alerts]
    return [alert for taken, alert in answers if taken], [alert for taken, alert in answers if taken is None]


def _some(alerts: Sequence[OurAlert]) -> str:
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"{alerts[0].name}{more}"


def _problem(file: str, line: int, severity: Severity, what: str, cure: str) -> Problem:
    return Problem(Where(file, line), severity, what, cure)
