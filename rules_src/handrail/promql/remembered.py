"""What the receiver exports → PromQL that believes it for a while when it cannot be scraped."""

from __future__ import annotations

from datetime import timedelta

from handrail.plan import Selector
from handrail.units import span

REMEMBER = timedelta(minutes=10)
"""How long the last word of the receiver (stage, references, versions) is believed while it cannot be scraped."""
SEEN_FOR = timedelta(days=7)
"""For how long nothing may be evaluated before it is forgotten that a metric of an optional guardrail was seen."""


def remembered(series: Selector) -> str:
    """What the receiver last reported, believed for `REMEMBER`."""
    return f"last_over_time({series}[{span(REMEMBER)}])"
