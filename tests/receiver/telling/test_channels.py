"""The list of channels → one for each kind that can be declared."""

from __future__ import annotations

from typing import get_args

from handrail.contract import Channel
from handrail_receiver.telling import CHANNELS

KINDS = {member.__dataclass_fields__["kind"].default.default for member in get_args(get_args(Channel)[0])}


def test_every_kind_of_channel_has_one_line() -> None:
    assert sorted(kind for kind, _ in CHANNELS) == sorted(KINDS)
