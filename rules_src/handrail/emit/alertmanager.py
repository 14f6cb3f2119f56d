"""What rollouts have in common → alertmanager/: routes, inhibitions, and the texts that people read."""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import EDIT, Data, yaml_document
from handrail.emit.messages import INLINE, TEMPLATED, TEMPLATES, Messages
from handrail.plan import Common
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
    WebhookReceiver,
    only_ours,
)
from handrail.plan.versions import KNOWS_TIMEOUT, Version
from handrail.units import span

FOLDER = "alertmanager"


def emit(common: Common) -> dict[str, str]:
    """A whole configuration and the templates it reads, or a fragment for the one that is there."""
    return _fragment(common) if "alertmanager" in common.environment.existing else _whole(common)


def _whole(common: Common) -> dict[str, str]:
    data: Data = {
        "templates": ["templates/*.tmpl"],
        "route": _tree(common),
        **_rest(common, TEMPLATED),
    }
    header = f"{{{{/* generated from {common.source}; {EDIT} */}}}}\n"
    return {
        names.ALERTMANAGER_FILE: yaml_document(data, common.source),
        f"{FOLDER}/templates/{TEMPLATES.name}": header + TEMPLATES.read_text(encoding="utf-8"),
    }


def _fragment(common: Common) -> dict[str, str]:
    """What `handrail merge alertmanager` puts into the configuration of others: one route, receivers, inhibitions."""
    route, ours = _tree(common), only_ours(common.routing.rollouts, common.environment.name)
    data: Data = {
        "route": {"receiver": route["receiver"], "matchers": _matchers(ours), **route},
        **_rest(common, INLINE),
    }
    return {names.ALERTMANAGER_FRAGMENT: yaml_document(data, common.source)}


def _tree(common: Common) -> Data:
    routing = common.routing
    return {
        "receiver": routing.receivers[0].name,
        "group_by": [names.ROLLOUT, names.SERVICE, names.ENVIRONMENT],
        "routes": [_route(route) for route in routing.routes],
    }


def _rest(common: Common, messages: Messages) -> Data:
    version = common.environment.alertmanager
    times = [
        {"name": time.name, "time_intervals": list(map(_interval, time.intervals))}
        for time in common.routing.mute_times
    ]
    return {
        **({"time_intervals": times} if times else {}),
        "inhibit_rules": [_inhibition(rule) for rule in common.routing.inhibitions],
        "receivers": [_receiver(receiver, version, messages) for receiver in common.routing.receivers],
    }


def _route(route: Route) -> Data:
    data: Data = {
        "receiver": route.receiver,
        "matchers": _matchers(route.matchers),
        "group_by": list(route.group_by),
        "group_wait": span(route.timing.wait),
        "group_interval": span(route.timing.interval),
        "repeat_interval": span(route.timing.repeat),
    }
    if route.muted is not None:
        data["mute_time_intervals"] = [route.muted]
    return {**data, "continue": True} if route.goes_on else data


def _interval(interval: Interval) -> Data:
    data: Data = {
        "times": [{"start_time": begin, "end_time": end} for begin, end in interval.times],
        "weekdays": list(interval.weekdays),
        "days_of_month": list(map(str, interval.days)),
        "months": list(interval.months),
    }
    return {key: said for key, said in data.items() if said} | {"location": interval.zone}


def _matchers(matchers: tuple[Matcher, ...]) -> list[str]:
    return [f"{matcher.label}{matcher.op}{_quoted(matcher.value)}" for matcher in matchers]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _inhibition(rule: Inhibition) -> Data:
    return {
        "source_matchers": _matchers(rule.source),
        "target_matchers": _matchers(rule.target),
        "equal": list(rule.equal),
    }


def _receiver(receiver: Receiver, version: Version, messages: Messages) -> Data:
    data: Data = {"name": receiver.name}
    for channel in receiver.channels:
        kind, settings = _channel(channel, version, messages)
        data.setdefault(kind, []).append({"send_resolved": True, **settings})
    return data


def _channel(channel: Channel, version: Version, messages: Messages) -> tuple[str, Data]:
    match channel:
        case HandrailReceiver():
            return "webhook_configs", _webhook(channel.url, channel.token_file, version)
        case WebhookReceiver():
            return "webhook_configs", _webhook(channel.url, channel.token_file, version)
        case SlackReceiver():
            return "slack_configs", _slack(channel, messages)
        case PagerDutyReceiver():
            return "pagerduty_configs", _pagerduty(channel, messages)
        case OpsGenieReceiver():
            return "opsgenie_configs", _opsgenie(channel, messages)
        case TeamsReceiver():
            return "msteamsv2_configs", {
                "webhook_url_file": channel.url_file,
                "title": messages.title,
                "text": messages.text,
                "http_config": {"follow_redirects": False},
            }
        case EmailReceiver():
            return "email_configs", _email(channel, messages)


def _webhook(url: str, token_file: str | None, version: Version) -> Data:
    http: Data = {"follow_redirects": False}
    if token_file is not None:
        http["authorization"] = {"type": "Bearer", "credentials_file": token_file}
    data: Data = {"url": url, "max_alerts": 0, "http_config": http}
    return {**data, "timeout": "10s"} if version >= KNOWS_TIMEOUT else data


def _slack(channel: SlackReceiver, messages: Messages) -> Data:
    return {
        "channel": channel.channel,
        "api_url_file": channel.url_file,
        "title": messages.title,
        "title_link": messages.runbook,
        "fallback": messages.title,
        "text": messages.slack_text,
        "http_config": {"follow_redirects": False},
    }


def _pagerduty(channel: PagerDutyReceiver, messages: Messages) -> Data:
    return {
        "routing_key_file": channel.routing_key_file,
        "url": channel.url,
        "description": messages.title,
        "severity": messages.pagerduty_severity,
        "client": "Handrail",
        "client_url": messages.dashboard,
        "details": {"alerts": messages.text},
        "http_config": {"follow_redirects": False},
    }


def _opsgenie(channel: OpsGenieReceiver, messages: Messages) -> Data:
    data: Data = {
        "api_key_file": channel.api_key_file,
        "api_url": channel.url,
        "message": messages.title,
        "description": messages.text,
        "source": "Handrail",
        "priority": messages.opsgenie_priority,
        "http_config": {"follow_redirects": False},
    }
    return {**data, "responders": [{"name": channel.team, "type": "team"}]} if channel.team else data


def _email(channel: EmailReceiver, messages: Messages) -> Data:
    data: Data = {
        "to": channel.to,
        "from": channel.sender,
        "smarthost": channel.smarthost,
        "headers": {"Subject": messages.title},
        "text": messages.text,
        "html": messages.html,
    }
    if channel.username is not None:
        data |= {"auth_username": channel.username, "auth_password_file": channel.password_file}
    tls = {field: text for field, text in vars(channel.tls).items() if text is not None}
    return {**data, "require_tls": channel.require_tls, **({"tls_config": tls} if tls else {})}
