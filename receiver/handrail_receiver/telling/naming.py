"""A `Tell` → what people call it."""

from __future__ import annotations

from urllib.parse import urlsplit

from handrail.contract import CDEvents, Mail, PagerDuty, Slack, StatusPage, Tell, Webhook


def name_of(tell: Tell) -> str:
    """Its kind, and its place where it has one that may be shown."""
    channel = tell.channel
    match channel:
        case Slack():
            return f"Slack {channel.channel}"
        case Mail():
            return f"mail to {channel.to}"
        case PagerDuty():
            return "PagerDuty"
        case Webhook():
            return f"the webhook at {urlsplit(channel.url).netloc}"
        case CDEvents():
            return f"the CDEvents at {urlsplit(channel.url).netloc}"
        case StatusPage():
            return f"the status page at {urlsplit(channel.url).netloc}"
