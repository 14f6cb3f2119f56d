"""What somebody says of versions → the oldest Alertmanager and Prometheus that have to read what is generated.

What Handrail writes itself is the same for every Prometheus from 2.42 on; free PromQL may need a newer one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from handrail.errors import WrongCall

Version = tuple[int, int]

OLDEST: Final = (0, 25)
KNOWS_TIMEOUT: Final = (0, 28)
"""From here on a webhook's `timeout` is understood; before, Alertmanager refuses the whole file."""
KNOWS_TEAMS: Final = (0, 28)
"""From here on there are Teams' workflows (`msteamsv2_configs`).

Its connectors before (`msteams_configs`, 0.26) cannot read their address, which is a secret, from a file.
"""


OLDEST_PROMETHEUS: Final = (2, 42)


def numbers(text: str) -> Version:
    """`3.5` or `3.5.1` → (3, 5)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def alertmanager(options: Sequence[str]) -> str | None:
    """`["alertmanager=0.33"]` → `0.33`; None when nothing is given, and the environment says it."""
    version = None
    for text in options:
        match = re.fullmatch(r"alertmanager=(\d+)\.(\d+)(?:\.\d+)?", text)
        if match is None:
            raise WrongCall(f"--target-version '{text}' is not understood; write it like alertmanager=0.33")
        version = f"{match[1]}.{match[2]}"
        if numbers(version) < OLDEST:
            raise WrongCall(
                f"--target-version '{text}' is older than what Handrail writes for; use alertmanager=0.25 or newer"
            )
    return version
