"""The versions of an attempt → words."""

from __future__ import annotations

from handrail.contract import GivenArms


def versions_in_words(arms: GivenArms) -> str:
    """`canary v43, stable v42`."""
    return f"canary {arms.canary}, stable {arms.stable}"
