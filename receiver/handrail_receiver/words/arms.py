"""The versions of an attempt → words."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.contract import GivenArms


def versions_in_words(arms: GivenArms, traffic: Sequence[str] = ()) -> str:
    """`canary v43, stable v42`; with what each has of the traffic, `canary v43 (none yet), stable v42 (50/s)`."""
    canary, stable = (f" ({has})" for has in traffic) if traffic else ("", "")
    return f"canary {arms.canary}{canary}, stable {arms.stable}{stable}"
