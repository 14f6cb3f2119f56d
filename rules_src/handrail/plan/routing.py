"""Who hears of which alert, at what timing, and which alert mutes which: the part of the plan about Alertmanager.

Decided once for the two ways to write it down. All of it is hashable, so that what rollouts share is written once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta


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
    """How long a group waits for company, how soon a change of it is told, and how often it is told again."""

    wait: timedelta
    interval: timedelta
    repeat: timedelta


@dataclass(frozen=True)
class Route:
    """Alerts that fit every matcher go to `receiver`; with `goes_on` the routes behind are asked as well."""

    receiver: str
    matchers: tuple[Matcher, ...]
    group_by: tuple[str, ...]
    timing: GroupTiming
    goes_on: bool


@dataclass(frozen=True)
class Inhibition:
    """While an alert that fits `source` fires, those that fit `target` with the same `equal` labels are muted."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True)
class HandrailReceiver:
    """The receiver's webhook."""

    url: str
    token_file: str


@dataclass(frozen=True)
class SlackChannel:
    """A Slack channel, by an incoming webhook whose address is in `url_file`."""

    channel: str
    url_file: str


@dataclass(frozen=True)
class PagerDutyService:
    """A PagerDuty service, by the Events API v2 at `url`."""

    routing_key_file: str
    url: str


@dataclass(frozen=True)
class Mailbox:
    """An address, and the server that takes the mail."""

    to: str
    sender: str
    smarthost: str
    username: str | None
    password_file: str | None


@dataclass(frozen=True)
class OtherWebhook:
    """Somebody else's webhook in Alertmanager's format."""

    url: str
    token_file: str | None


Channel = HandrailReceiver | SlackChannel | PagerDutyService | Mailbox | OtherWebhook


@dataclass(frozen=True)
class Receiver:
    """A name that routes lead to, and everyone who is told there."""

    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Routing:
    """Routes in the order they are asked; the first receiver also gets what fits none."""

    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]
    receivers: tuple[Receiver, ...]


def merged(parts: Iterable[Routing]) -> Routing:
    """The routing of several rollouts: what they share is there once, at its first place."""
    known = list(parts)
    return Routing(
        routes=tuple(dict.fromkeys(route for part in known for route in part.routes)),
        inhibitions=tuple(dict.fromkeys(rule for part in known for rule in part.inhibitions)),
        receivers=tuple(dict.fromkeys(receiver for part in known for receiver in part.receivers)),
    )


def taken(routing: Routing, labels: Mapping[str, str]) -> Iterator[Route]:
    """The routes that an alert with these labels takes; none when the first receiver is left with it."""
    for route in routing.routes:
        if all(matcher.fits(labels) for matcher in route.matchers):
            yield route
            if not route.goes_on:
                return
