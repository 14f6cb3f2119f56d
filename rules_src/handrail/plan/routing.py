"""Who is told of which alert, when and how often, and which alert inhibits which: the plan of Alertmanager's routing.

One plan for both outputs, alertmanager.yml and AlertmanagerConfig. All of it is hashable, so that what rollouts share is
written once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from handrail.contract import names


@dataclass(frozen=True)
class Matcher:
    """One condition on an alert's labels; `op` is `=`, `!=`, `=~` or `!~`. A label that is missing is empty."""

    label: str
    op: str
    value: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels meets the condition."""
        value = labels.get(self.label, "")
        same = re.fullmatch(self.value, value) if self.op.endswith("~") else value == self.value
        return bool(same) != self.op.startswith("!")


@dataclass(frozen=True)
class GroupTiming:
    """Alertmanager's group_wait, group_interval and repeat_interval."""

    wait: timedelta
    interval: timedelta
    repeat: timedelta


@dataclass(frozen=True)
class Route:
    """Alerts that match every matcher go to `receiver`; with `goes_on` later routes are tried as well (`continue`).

    `muted` names the mute time in which its receiver is not told.
    """

    receiver: str
    matchers: tuple[Matcher, ...]
    group_by: tuple[str, ...]
    timing: GroupTiming
    goes_on: bool
    muted: str | None = None


@dataclass(frozen=True)
class Interval:
    """Hours of some days in a time zone; what is empty is any. `times` are from and to, `24:00` at the latest."""

    times: tuple[tuple[str, str], ...]
    weekdays: tuple[str, ...]
    days: tuple[int, ...]
    months: tuple[str, ...]
    zone: str


@dataclass(frozen=True)
class MuteTime:
    """A named time in which people are not told: in any of the intervals. `said` is the same in words."""

    name: str
    intervals: tuple[Interval, ...]
    said: str


@dataclass(frozen=True)
class Inhibition:
    """While an alert that matches `source` fires, alerts that match `target` and have the same `equal` labels are muted."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True)
class HandrailReceiver:
    """The receiver's webhook."""

    url: str
    token_file: str


@dataclass(frozen=True)
class SlackReceiver:
    """A Slack channel, by an incoming webhook whose address is in `url_file`."""

    channel: str
    url_file: str


@dataclass(frozen=True)
class PagerDutyReceiver:
    """A PagerDuty service, by the Events API v2 at `url`."""

    routing_key_file: str
    url: str


@dataclass(frozen=True)
class OpsGenieReceiver:
    """A team of OpsGenie, by its API at `url`; without `team` the key says who it is."""

    api_key_file: str
    team: str | None
    url: str


@dataclass(frozen=True)
class TeamsReceiver:
    """A channel of Microsoft Teams, by a workflow whose address is in `url_file`."""

    url_file: str


@dataclass(frozen=True)
class Tls:
    """TLS as a client: whom it trusts, what the server is called, and its own certificate; None is as usual."""

    ca_file: str | None
    server_name: str | None
    cert_file: str | None
    key_file: str | None


@dataclass(frozen=True)
class EmailReceiver:
    """An address, and the server that takes the mail; with `require_tls` not without TLS."""

    to: str
    sender: str
    smarthost: str
    username: str | None
    password_file: str | None
    require_tls: bool
    tls: Tls


@dataclass(frozen=True)
class WebhookReceiver:
    """Somebody else's webhook in Alertmanager's format."""

    url: str
    token_file: str | None


Channel = (
    HandrailReceiver
    | SlackReceiver
    | PagerDutyReceiver
    | OpsGenieReceiver
    | TeamsReceiver
    | EmailReceiver
    | WebhookReceiver
)


@dataclass(frozen=True)
class Receiver:
    """A receiver by name, and the channels it notifies."""

    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Routing:
    """Routes in the order they are tried; the first receiver also gets what matches none. `rollouts` are whose alerts.

    `nobody` are the words (severity, action or level) of which nobody is told on purpose.
    """

    rollouts: tuple[str, ...]
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]
    receivers: tuple[Receiver, ...]
    mute_times: tuple[MuteTime, ...]
    nobody: tuple[str, ...] = ()


def shared_name(receiver: str, environment: str) -> str:
    """What a receiver is called in an Alertmanager that others use too, other environments among them."""
    return f"{environment}/{receiver}"


def only_ours(rollouts: Iterable[str], environment: str) -> tuple[Matcher, ...]:
    """What every alert of these rollouts in this environment meets, and no alert of anybody else.

    The names of the alerts are among it: an alert that somebody makes of ours (`ALERTS{rollout="checkout"} == 1`) has
    all of their labels. A new guardrail meets it as well, and so does the test alert of `handrail doctor`.
    """
    known = sorted(rollouts)
    alerts = f"({'|'.join(map(names.camel, known))}).+|{names.HEARTBEAT_ALERT}|{names.TEST_ALERT}"
    return (
        Matcher(names.ENVIRONMENT, "=", environment),
        Matcher(names.ROLLOUT, "=~", "|".join(known)),
        Matcher(names.ALERTNAME, "=~", alerts),
        Matcher(names.ACTION, "=~", "|".join(names.ACTIONS)),
    )


def merged(parts: Iterable[Routing]) -> Routing:
    """The routing of several rollouts; what they share appears once, at its first position."""
    known = list(parts)
    return Routing(
        rollouts=tuple(dict.fromkeys(rollout for part in known for rollout in part.rollouts)),
        routes=tuple(dict.fromkeys(route for part in known for route in part.routes)),
        inhibitions=tuple(dict.fromkeys(rule for part in known for rule in part.inhibitions)),
        receivers=tuple(dict.fromkeys(receiver for part in known for receiver in part.receivers)),
        mute_times=tuple(dict.fromkeys(time for part in known for time in part.mute_times)),
        nobody=tuple(dict.fromkeys(word for part in known for word in part.nobody)),
    )


def routes_of(routing: Routing, labels: Mapping[str, str]) -> Iterator[Route]:
    """The routes that an alert with these labels takes; none if only the first receiver gets it."""
    for route in routing.routes:
        if all(matcher.fits(labels) for matcher in route.matchers):
            yield route
            if not route.goes_on:
                return
