"""A declared rollout with its alerts → who hears of them.

Alerts that act reach the receiver at once and are repeated every few minutes; those that are only recorded are grouped
first. People are told only of alerts in force, never of a shadow, and not in their mute times; the receiver has none.
Inhibitions are in plan_inhibitions.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from handrail import plan
from handrail.contract import names
from handrail.declare import notify
from handrail.declare.environment import Environment
from handrail.declare.rollout import Rollout
from handrail.lower.plan_inhibitions import Audience, Chain, inhibitions
from handrail.lower.plan_mute_times import lower_mute_time
from handrail.plan.routing import (
    Channel,
    EmailReceiver,
    GroupTiming,
    HandrailReceiver,
    Matcher,
    MuteTime,
    OpsGenieReceiver,
    PagerDutyReceiver,
    Receiver,
    Route,
    Routing,
    SlackReceiver,
    TeamsReceiver,
    Tls,
    WebhookReceiver,
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


def lower_routing(
    rollout: Rollout, environment: Environment, chains: Sequence[Chain], receiver_down: plan.Alert | None
) -> Routing:
    """Routes, inhibitions and receivers for the alerts of one rollout."""
    alerts = [alert for one in chains for alert in one.every_alert]
    told = _told(rollout, environment, alerts if receiver_down is None else [*alerts, receiver_down])
    handrail = HandrailReceiver(
        f"{environment.receiver.rstrip('/')}{names.WEBHOOK_PATH}", environment.token_file
    )
    routing = Routing(
        rollouts=(rollout.name,),
        routes=(
            *_to_the_receiver(),
            *(_people(rollout, environment, one) for one in told),
        ),
        inhibitions=inhibitions(
            rollout.name,
            chains,
            {one.word: _audience(rollout, one) for one in told},
        ),
        receivers=(
            Receiver(names.RECEIVER, (handrail,)),
            Receiver(names.HEARTBEAT_RECEIVER, (handrail,)),
            *(Receiver(_name(rollout, one.word), tuple(map(_channel, one.whom))) for one in told),
        ),
        mute_times=tuple(filter(None, (_mute_time(rollout, one) for one in told))),
        nobody=tuple(word for word, whom in _routes(rollout, environment).items() if not whom),
    )
    return _shared(routing, environment.name) if "alertmanager" in environment.existing else routing


def _shared(routing: Routing, environment: str) -> Routing:
    """The same routing with names that no other part of a shared configuration has."""
    return replace(
        routing,
        routes=tuple(
            replace(
                route,
                receiver=shared_name(route.receiver, environment),
                muted=route.muted and shared_name(route.muted, environment),
            )
            for route in routing.routes
        ),
        receivers=tuple(
            replace(receiver, name=shared_name(receiver.name, environment)) for receiver in routing.receivers
        ),
        mute_times=tuple(
            replace(time, name=shared_name(time.name, environment)) for time in routing.mute_times
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


@dataclass(frozen=True)
class _Told:
    """A severity, an action or an escalation level, whose label is `label`: who is told of it, and when not."""

    word: str
    label: str
    whom: Sequence[notify.Receiver]
    mute: Sequence[notify.MuteTime]


def _told(rollout: Rollout, environment: Environment, alerts: Sequence[plan.Alert]) -> list[_Told]:
    """Who is told of which word, in the order of the alerts."""
    routes, mute = _routes(rollout, environment), {**rollout.mute, **environment.mute}
    severities = dict.fromkeys(alert.severity for alert in alerts)
    levels = dict.fromkeys(level.name for level in rollout.escalation)
    actions = dict.fromkeys(alert.action for alert in alerts)
    # A word that is both names the first.
    labels = {
        **dict.fromkeys(levels, names.LEVEL),
        **dict.fromkeys(actions, names.ACTION),
        **dict.fromkeys(severities, names.SEVERITY),
    }
    order = dict.fromkeys((*severities, *actions, *levels))
    return [_Told(word, labels[word], routes[word], mute.get(word, ())) for word in order if routes.get(word)]


def _routes(rollout: Rollout, environment: Environment) -> dict[str, Sequence[notify.Receiver]]:
    return {**rollout.routes, **environment.routes}


def _audience(rollout: Rollout, told: _Told) -> Audience:
    muted = _mute_time(rollout, told)
    times = frozenset(muted.intervals if muted is not None else ())
    return Audience(dict.fromkeys(map(_channel, told.whom), times))


def _mute_time(rollout: Rollout, told: _Told) -> MuteTime | None:
    if not told.mute:
        return None
    parts = [lower_mute_time(one) for one in told.mute]
    intervals = tuple(interval for part, _ in parts for interval in part)
    return MuteTime(_name(rollout, told.word), intervals, "; ".join(said for _, said in parts))


def _people(rollout: Rollout, environment: Environment, told: _Told) -> Route:
    which = (
        (Matcher(names.LEVEL, "=", told.word),)
        if told.label == names.LEVEL
        else (Matcher(told.label, "=", told.word), Matcher(names.LEVEL, "=", ""))
    )
    return Route(
        _name(rollout, told.word),
        (
            Matcher(names.ROLLOUT, "=", rollout.name),
            Matcher(
                names.ENVIRONMENT, "=~", f"|{environment.name}"
            ),  # one that says none is told rather than lost
            *which,
            _IN_FORCE,
        ),
        _WHOLE,
        LEVEL_TIMING if told.label == names.LEVEL else PEOPLE_TIMING,
        goes_on=True,
        muted=_name(rollout, told.word) if told.mute else None,
    )


def _name(rollout: Rollout, word: str) -> str:
    return f"{rollout.name}/{word}"


def _channel(receiver: notify.Receiver) -> Channel:
    match receiver:
        case notify.SlackReceiver():
            return SlackReceiver(receiver.channel, receiver.url_file)
        case notify.PagerDutyReceiver():
            return PagerDutyReceiver(receiver.routing_key_file, receiver.url)
        case notify.OpsGenieReceiver():
            return OpsGenieReceiver(receiver.api_key_file, receiver.team, receiver.url)
        case notify.TeamsReceiver():
            return TeamsReceiver(receiver.url_file)
        case notify.EmailReceiver():
            return _email(receiver)
        case notify.WebhookReceiver():
            return WebhookReceiver(receiver.url, receiver.token_file)


def _email(mail: notify.EmailReceiver) -> EmailReceiver:
    return EmailReceiver(
        to=mail.to,
        sender=mail.sender,
        smarthost=mail.smarthost,
        username=mail.username,
        password_file=mail.password_file,
        require_tls=mail.require_tls,
        tls=Tls(mail.ca_file, mail.server_name, mail.cert_file, mail.key_file),
    )
