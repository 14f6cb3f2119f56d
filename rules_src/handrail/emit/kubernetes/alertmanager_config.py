"""A rollout's routing → the spec of an AlertmanagerConfig (v1alpha1).

The same routes as in alertmanager.yml. Secrets come from the cluster's Secret instead of files, and the texts are in
the fields themselves: an AlertmanagerConfig cannot bring templates along.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from handrail.contract import names
from handrail.emit.document import Data
from handrail.emit.messages import INLINE
from handrail.plan import Environment, Rollout
from handrail.plan.routing import (
    Channel,
    EmailReceiver,
    HandrailReceiver,
    Inhibition,
    Interval,
    Matcher,
    OpsGenieReceiver,
    PagerDutyReceiver,
    Receiver,
    Route,
    SlackReceiver,
    TeamsReceiver,
    Tls,
    WebhookReceiver,
)
from handrail.plan.versions import KNOWS_TIMEOUT
from handrail.units import span

_ZONE = "UTC"
"""The only time zone that an AlertmanagerConfig knows: in an hour of another one people are rather told than not."""


def alertmanager_config(rollout: Rollout, environment: Environment) -> Data:
    """Routes, receivers and inhibitions of one rollout."""
    routing = rollout.routing
    data: Data = {
        "route": {
            "receiver": routing.receivers[0].name,
            "matchers": [_matcher(Matcher(names.ROLLOUT, "=", rollout.name))],
            "groupBy": [names.ROLLOUT, names.SERVICE, names.ENVIRONMENT],
            "routes": [_route(route) for route in routing.routes],
        },
        "receivers": [_receiver(receiver, environment) for receiver in routing.receivers],
        "inhibitRules": [_inhibition(rule) for rule in routing.inhibitions],
    }
    times = [
        {"name": time.name, "timeIntervals": [_interval(one) for one in time.intervals if one.zone == _ZONE]}
        for time in routing.mute_times
    ]
    return {**data, "muteTimeIntervals": times} if times else data


def _matcher(matcher: Matcher) -> Data:
    return {"name": matcher.label, "matchType": matcher.op, "value": matcher.value}


def _route(route: Route) -> Data:
    data: Data = {
        "receiver": route.receiver,
        "matchers": [_matcher(matcher) for matcher in route.matchers],
        "groupBy": list(route.group_by),
        "groupWait": span(route.timing.wait),
        "groupInterval": span(route.timing.interval),
        "repeatInterval": span(route.timing.repeat),
    }
    if route.muted is not None:
        data["muteTimeIntervals"] = [route.muted]
    return {**data, "continue": True} if route.goes_on else data


def _interval(interval: Interval) -> Data:
    data: Data = {
        "times": [{"startTime": begin, "endTime": end} for begin, end in interval.times],
        "weekdays": list(interval.weekdays),
        "daysOfMonth": [{"start": day, "end": day} for day in interval.days],
        "months": list(interval.months),
    }
    return {key: said for key, said in data.items() if said}


def _inhibition(rule: Inhibition) -> Data:
    return {
        "sourceMatch": [_matcher(matcher) for matcher in rule.source],
        "targetMatch": [_matcher(matcher) for matcher in rule.target],
        "equal": [names.SERIES_NAMESPACE if label == names.NAMESPACE else label for label in rule.equal],
    }


def _receiver(receiver: Receiver, environment: Environment) -> Data:
    data: Data = {"name": receiver.name}
    for channel in receiver.channels:
        kind, settings = _channel(channel, environment)
        data.setdefault(kind, []).append({"sendResolved": True, **settings})
    return data


def _channel(channel: Channel, environment: Environment) -> tuple[str, Data]:
    match channel:
        case HandrailReceiver() | WebhookReceiver():
            return "webhookConfigs", _webhook(channel, environment)
        case SlackReceiver():
            return "slackConfigs", {
                "channel": channel.channel,
                "apiURL": _secret(channel.url_file, environment),
                "title": INLINE.title,
                "titleLink": INLINE.runbook,
                "fallback": INLINE.title,
                "text": INLINE.slack_text,
                "httpConfig": {"followRedirects": False},
            }
        case PagerDutyReceiver():
            return "pagerdutyConfigs", {
                "routingKey": _secret(channel.routing_key_file, environment),
                "url": channel.url,
                "description": INLINE.title,
                "severity": INLINE.pagerduty_severity,
                "client": "Handrail",
                "clientURL": INLINE.dashboard,
                "details": [{"key": "alerts", "value": INLINE.text}],
                "httpConfig": {"followRedirects": False},
            }
        case OpsGenieReceiver():
            return "opsgenieConfigs", _opsgenie(channel, environment)
        case TeamsReceiver():
            return "msteamsv2Configs", {
                "webhookURL": _secret(channel.url_file, environment),
                "title": INLINE.title,
                "text": INLINE.text,
                "httpConfig": {"followRedirects": False},
            }
        case EmailReceiver():
            return "emailConfigs", _email(channel, environment)


def _webhook(channel: HandrailReceiver | WebhookReceiver, environment: Environment) -> Data:
    http: Data = {"followRedirects": False}
    if channel.token_file is not None:
        http["authorization"] = {"type": "Bearer", "credentials": _secret(channel.token_file, environment)}
    data: Data = {"url": channel.url, "maxAlerts": 0, "httpConfig": http}
    return {**data, "timeout": "10s"} if environment.alertmanager >= KNOWS_TIMEOUT else data


def _opsgenie(channel: OpsGenieReceiver, environment: Environment) -> Data:
    data: Data = {
        "apiKey": _secret(channel.api_key_file, environment),
        "apiURL": channel.url,
        "message": INLINE.title,
        "description": INLINE.text,
        "source": "Handrail",
        "priority": INLINE.opsgenie_priority,
        "httpConfig": {"followRedirects": False},
    }
    return {**data, "responders": [{"name": channel.team, "type": "team"}]} if channel.team else data


def _email(channel: EmailReceiver, environment: Environment) -> Data:
    data: Data = {
        "to": channel.to,
        "from": channel.sender,
        "smarthost": channel.smarthost,
        "headers": [{"key": "Subject", "value": INLINE.title}],
        "text": INLINE.text,
    }
    if channel.username is not None and channel.password_file is not None:
        data["authUsername"] = channel.username
        data["authPassword"] = _secret(channel.password_file, environment)
    tls = _tls(channel.tls, environment)
    return {**data, "requireTLS": channel.require_tls, **({"tlsConfig": tls} if tls else {})}


def _tls(tls: Tls, environment: Environment) -> Data:
    data: Data = {}
    if tls.ca_file is not None:
        data["ca"] = {"secret": _secret(tls.ca_file, environment)}
    if tls.cert_file is not None and tls.key_file is not None:
        data |= {
            "cert": {"secret": _secret(tls.cert_file, environment)},
            "keySecret": _secret(tls.key_file, environment),
        }
    return data if tls.server_name is None else {**data, "serverName": tls.server_name}


def _secret(file: str, environment: Environment) -> Data:
    return {"name": environment.cluster.secret, "key": PurePosixPath(file).name}
