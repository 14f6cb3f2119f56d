"""What rollouts have in common → alertmanager/: which alert goes to whom, which one mutes which, and the words people read."""

from __future__ import annotations

from pathlib import Path

from handrail.contract import names
from handrail.emit.document import EDIT, Data, yaml_document
from handrail.plan import Common
from handrail.plan.routing import (
    Channel,
    HandrailReceiver,
    Inhibition,
    Mailbox,
    Matcher,
    OtherWebhook,
    PagerDutyService,
    Receiver,
    Route,
    SlackChannel,
)
from handrail.plan.versions import KNOWS_TIMEOUT, Version
from handrail.units import span

FOLDER = "alertmanager"
TEMPLATES = Path(__file__).with_name("handrail.tmpl")


def emit(common: Common) -> dict[str, str]:
    """The configuration of Alertmanager and the templates it reads."""
    routing = common.routing
    version = common.environment.alertmanager
    data: Data = {
        "templates": ["templates/*.tmpl"],
        "route": {
            "receiver": routing.receivers[0].name,
            "group_by": [names.ROLLOUT, names.SERVICE, names.ENVIRONMENT],
            "routes": [_route(route) for route in routing.routes],
        },
        "inhibit_rules": [_inhibition(rule) for rule in routing.inhibitions],
        "receivers": [_receiver(receiver, version) for receiver in routing.receivers],
    }
    header = f"{{{{/* generated from {common.source}; {EDIT} */}}}}\n"
    return {
        f"{FOLDER}/alertmanager.yml": yaml_document(data, common.source),
        f"{FOLDER}/templates/{TEMPLATES.name}": header + TEMPLATES.read_text(encoding="utf-8"),
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
    return {**data, "continue": True} if route.goes_on else data


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


def _receiver(receiver: Receiver, version: Version) -> Data:
    data: Data = {"name": receiver.name}
    for channel in receiver.channels:
        kind, settings = _channel(channel, version)
        data.setdefault(kind, []).append({"send_resolved": True, **settings})
    return data


def _channel(channel: Channel, version: Version) -> tuple[str, Data]:
    match channel:
        case HandrailReceiver():
            return "webhook_configs", _webhook(channel.url, channel.token_file, version)
        case OtherWebhook():
            return "webhook_configs", _webhook(channel.url, channel.token_file, version)
        case SlackChannel():
            return "slack_configs", _slack(channel)
        case PagerDutyService():
            return "pagerduty_configs", _pagerduty(channel)
        case Mailbox():
            return "email_configs", _email(channel)


def _webhook(url: str, token_file: str | None, version: Version) -> Data:
    http: Data = {"follow_redirects": False}
    if token_file is not None:
        http["authorization"] = {"type": "Bearer", "credentials_file": token_file}
    data: Data = {"url": url, "max_alerts": 0, "http_config": http}
    return {**data, "timeout": "10s"} if version >= KNOWS_TIMEOUT else data


def _slack(channel: SlackChannel) -> Data:
    return {
        "channel": channel.channel,
        "api_url_file": channel.url_file,
        "title": _template("title"),
        "title_link": _template("runbook"),
        "fallback": _template("title"),
        "text": _template("slack.text"),
        "http_config": {"follow_redirects": False},
    }


def _pagerduty(channel: PagerDutyService) -> Data:
    return {
        "routing_key_file": channel.routing_key_file,
        "url": channel.url,
        "description": _template("title"),
        "severity": _template("pagerduty.severity"),
        "client": "Handrail",
        "client_url": _template("dashboard"),
        "details": {"alerts": _template("text")},
        "http_config": {"follow_redirects": False},
    }


def _email(channel: Mailbox) -> Data:
    data: Data = {
        "to": channel.to,
        "from": channel.sender,
        "smarthost": channel.smarthost,
        "headers": {"Subject": _template("title")},
        "text": _template("text"),
        "html": _template("html"),
    }
    if channel.username is not None:
        data |= {"auth_username": channel.username, "auth_password_file": channel.password_file}
    return data


def _template(name: str) -> str:
    return f'{{{{ template "handrail.{name}" . }}}}'
