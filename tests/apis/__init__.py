"""Other people's APIs, as small servers that keep what they are told and can be slow, broken or unfriendly.

with Unleash() as api:
    api.trouble = Trouble.refused
    httpx.get(f"{api.url}/api/admin/user", headers={"authorization": api.token})
"""

from .grafana import GrafanaApi
from .inbox import Inbox
from .kubernetes import Kubernetes
from .launchdarkly import LaunchDarkly
from .serving import Api, Request, Trouble
from .slack import Slack
from .things import Things
from .unleash import Unleash

__all__ = [
    "Api",
    "GrafanaApi",
    "Inbox",
    "Kubernetes",
    "LaunchDarkly",
    "Request",
    "Slack",
    "Things",
    "Trouble",
    "Unleash",
]
