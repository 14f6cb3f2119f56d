"""What the API says of an open incident → since when it is open, and who has it, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handrail_receiver.words.times import when


def open_incident(one: Mapping[str, Any]) -> str:
    """`incident shop-1 is open since …: acknowledged by alice at …`, or until when somebody should have it."""
    return f"incident {one['id']} is open since {_when(one['opened_at'])}: {_who_has(one)}"


def _who_has(one: Mapping[str, Any]) -> str:
    if one["acknowledged_at"]:
        return f"acknowledged by {one['acknowledged_by']} at {_when(one['acknowledged_at'])}"
    due = _when(one["ack_by"]) if one["ack_by"] else ""
    if one["late"]:
        return "nobody has acknowledged it in time" + (f"; others hear of it at {due}" if due else "")
    return "nobody has acknowledged it yet" + (f"; somebody must by {due}" if due else "")


def _when(said: str) -> str:
    return when(datetime.fromisoformat(said))
