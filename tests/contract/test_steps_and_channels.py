"""Steps and channels with wrong values → what their refusal says."""

from __future__ import annotations

import pytest
from declared import refusals
from handrail.declare import Mail
from handrail.errors import HandrailError
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("Command([], read=['x'])", "Command(argv) is empty; write a list of texts in quotes"),
        ("HAProxyWeight('web/canary', 0, [])", "HAProxyWeight(sockets) is empty; write a list of unix:/path or host:port"),
        ("HAProxyWeight('web/canary', 0, ['/run/admin.sock'])", "HAProxyWeight(sockets): '/run/admin.sock' does not fit; write a list of unix:/path or host:port"),
        ("HAProxyState('canary', 'maint', ['lb:9999'])", "HAProxyState(server): 'canary' does not fit; write backend/server, such as web/canary"),
        ("Slack('#a', token=Secret('xoxb-the-token-itself'))", "Secret(name): this does not fit; write its name of letters, digits and _, like SLACK_TOKEN"),
        ("Slack('#a', token='xoxb')", "Slack(token): 'xoxb' does not go here; write Secret(…)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_plain_words(expression: str, what: str) -> None:
    assert refusals(expression) == [what]


def test_a_mail_needs_both_parts_of_a_login() -> None:
    with pytest.raises((ValidationError, HandrailError, ValueError), match="belong together"):
        Mail("a@example.com", sender="b@example.com", smarthost="mail:587", username="me")
