"""The list of channels → one for each kind that can be declared."""

from __future__ import annotations

from typing import get_args

import pytest
from handrail.contract import Channel, Secret, Slack, Tell
from handrail_receiver.telling import CHANNELS
from pydantic import ValidationError

KINDS = {member.__dataclass_fields__["kind"].default.default for member in get_args(get_args(Channel)[0])}


def test_every_kind_of_channel_has_one_line() -> None:
    assert sorted(kind for kind, _ in CHANNELS) == sorted(KINDS)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ rollout }}", "it uses rollout, which no template has; write incident.…"),
        (
            "{{ incident.title | bold }}",
            "line 1: No filter named 'bold'; `handrail docs telling` says what a template knows",
        ),
        (
            "\n{% if %}",
            "line 2: Expected an expression, got 'end of statement block'; `handrail docs telling` says what a template knows",
        ),
    ],
)
def test_a_template_that_cannot_work_is_refused_where_it_is_declared(template: str, says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Tell(Slack("#incidents", Secret("token")), template)
    assert [error["msg"] for error in raised.value.errors()] == [f"Value error, {says}"]
