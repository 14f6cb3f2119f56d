"""What `--target-version` says → the oldest Alertmanager that has to read what is generated.

Prometheus needs no such word: the rules are the same from 2.42 on.
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


def alertmanager(options: Sequence[str]) -> Version:
    """`["alertmanager=0.33"]` → (0, 33); the oldest supported one when nothing is given."""
    version = OLDEST
    for text in options:
        match = re.fullmatch(r"alertmanager=(\d+)\.(\d+)(?:\.\d+)?", text)
        if match is None:
            raise WrongCall(f"--target-version '{text}' is not understood; write it like alertmanager=0.33")
        version = (int(match[1]), int(match[2]))
        if version < OLDEST:
            raise WrongCall(
                f"--target-version '{text}' is older than what Handrail writes for; use alertmanager=0.25 or newer"
            )
    return version
