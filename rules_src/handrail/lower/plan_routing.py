"""A declared rollout with its alerts → who hears of them.

Alerts that act reach the receiver at once and are repeated every few minutes; those that are only recorded are grouped
first. People are told only of alerts in force, never of a shadow. Inhibitions are in plan_inhibitions.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from handrail.contract import names
from handrail.declare import notify
from handrail.declare.environment import Environment
from handrail.declare.rollout import Rollout
from handrail.lower.plan_inhibitions import Chain, inhibitions
from handrail.plan.routing import (
    Channel,
    GroupTiming,
    HandrailReceiver,
    Mailbox,
    Matcher,
    OtherWebhook,
    PagerDutyService,
    Receiver,
    Route,
    Routing,
    SlackChannel,
    shared_name,
)

_WHOLE = (names.ROLLOUT, names.SERVICE, names.ENVIRONMENT)
_PLACE = (*_WHOLE, names.GUARDRAIL)
_IN_FORCE = Matcher(names.MODE, "!=", names.SHADOW)
_ACTING = "|".join(names.ACTING)

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# Told again at each interval: what was told less than `repeat` ago is left out, and the last time is always a little
# less than an interval ago.
HEARTBEAT_TIMING: Final = GroupTiming(timedelta(), 30 * _SECOND, 15 * _SECOND)
ACTING_TIMING: Final = GroupTiming(timedelta(), 15 * _SECOND, 4 * _MINUTE)
RECORDED_TIMING: Final = GroupTiming(10 * _SECOND, _MINUTE, _HOUR)
PEOPLE_TIMING: Final = GroupTiming(10 * _SECOND, _MINUTE, 4 * _HOUR)
LEVEL_TIMING: Final = GroupTiming(timedelta(), _MINUTE, _HOUR)


def lower_routing(rollout: Rollout, environment: Environment, chains: Sequence[Chain]) -> Routing:
    """Routes, inhibitions and receivers for the alerts of one rollout."""
    told = _told(rollout, environment, chains)
    handrail = HandrailReceiver(
        f"{environment.receiver.rstrip('/')}/webhooks/alertmanager", environment.token_file
    )
    routing = Routing(
        rollouts=(rollout.name,),
        routes=(
            *_to_the_receiver(),
            *(_people(rollout, environment, word, level=level) for word, level, _ in told),
        ),
        inhibitions=inhibitions(
            rollout.name,
            chains,
            {word: frozenset(map(_channel, whom)) for word, _, whom in told},
        ),
        receivers=(
            Receiver(names.RECEIVER, (handrail,)),
            Receiver(names.HEARTBEAT_RECEIVER, (handrail,)),
            *(Receiver(_name(rollout, word), tuple(map(_channel, whom))) for word, _, whom in told),
        ),
    )
    return _shared(routing, environment.name) if "alertmanager" in environment.existing else routing


def _shared(routing: Routing, environment: str) -> Routing:
    """The same with names that no other part of the same configuration has."""
    return replace(
        routing,
        routes=tuple(
            replace(route, receiver=shared_name(route.receiver, environment)) for route in routing.routes
        ),
        receivers=tuple(
            replace(receiver, name=shared_name(receiver.name, environment)) for receiver in routing.receivers
        ),
    )


def _to_the_receiver() -> tuple[Route, ...]:
    return (
        Route(
            names.HEARTBEAT_RECEIVER,
            (Matcher(names.ALERTNAME, "=", names.HEARTBEAT_ALERT),),
            (names.ROLLOUT, names.ENVIRONMENT),
            HEARTBEAT_TIMING,
            goes_on=False,
        ),
        Route(
            names.RECEIVER,
            (Matcher(names.ACTION, "=~", _ACTING),),
            (*_PLACE, names.ACTION),
            ACTING_TIMING,
            goes_on=True,
        ),
        Route(
            names.RECEIVER,
            (Matcher(names.ACTION, "!~", _ACTING),),
            _WHOLE,
            RECORDED_TIMING,
            goes_on=True,
        ),
    )


def _told(
    rollout: Rollout, environment: Environment, chains: Sequence[Chain]
) -> list[tuple[str, bool, Sequence[notify.Receiver]]]:
    """(severity or level, whether it is a level, who is told), in the order of the alerts."""
    routes = {**rollout.routes, **environment.routes}
    severities = dict.fromkeys(alert.severity for one in chains for alert in (*one.alerts, one.blind))
    levels = [level.name for level in rollout.escalation]
    words = [(word, False) for word in severities] + [(level, True) for level in levels]
    return [(word, level, routes[word]) for word, level in words if routes.get(word)]


def _people(rollout: Rollout, environment: Environment, word: str, *, level: bool) -> Route:
    which = (
        (Matcher(names.LEVEL, "=", word),)
        if level
        else (Matcher(names.SEVERITY, "=", word), Matcher(names.LEVEL, "=", ""))
    )
    return Route(
        _name(rollout, word),
        (
            Matcher(names.ROLLOUT, "=", rollout.name),
            Matcher(
                names.ENVIRONMENT, "=~", f"|{environment.name}"
            ),  # one that says none is told rather than lost
            *which,
            _IN_FORCE,
        ),
        _WHOLE,
        LEVEL_TIMING if level else PEOPLE_TIMING,
        goes_on=True,
    )


def _name(rollout: Rollout, word: str) -> str:
    return f"{rollout.name}/{word}"


def _channel(receiver: notify.Receiver) -> Channel:
    match receiver:
        case notify.SlackReceiver():
            return SlackChannel(receiver.channel, receiver.url_file)
        case notify.PagerDutyReceiver():
            return PagerDutyService(receiver.routing_key_file, receiver.url)
        case notify.EmailReceiver():
            return Mailbox(
                receiver.to, receiver.sender, receiver.smarthost, receiver.username, receiver.password_file
            )
        case notify.WebhookReceiver():
            return OtherWebhook(receiver.url, receiver.token_file)
