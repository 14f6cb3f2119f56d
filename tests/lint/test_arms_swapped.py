"""arms-swapped: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.arms_swapped import NAME

TIERS = guardrail('tiers=[Warning(Above("5%"))]')
CURE = "write the label's value of the new version as canary=, of the old one as stable="


@pytest.mark.parametrize(
    ("canary", "stable", "what"),
    [
        ("stable", "canary", "canary is 'stable', as the old version is called"),
        ("baseline", "green", "canary is 'baseline', as the old version is called"),
        ("shop-primary", "shop-canary", "canary is 'shop-primary', as the old version is called"),
        ("v2", "v2-canary", "stable is 'v2-canary', as the new version is called"),
    ],
)
def test_an_arm_that_is_called_as_the_other_is_found(canary: str, stable: str, what: str) -> None:
    arms = f'arms=Arms("track", canary="{canary}", stable="{stable}")'
    assert found(NAME, arms, TIERS) == [(f"{arms},", f"error: {what}; {CURE}")]


@pytest.mark.parametrize(
    ("canary", "stable"),
    [
        ("canary", "stable"),
        ("v2", "v1"),
        ("green", "blue"),
        ("old-stable-canary", "stable"),
        ("canary", "canary-stable"),
    ],
)
def test_what_is_called_as_it_is_or_says_nothing_is_fine(canary: str, stable: str) -> None:
    assert found(NAME, f'arms=Arms("track", canary="{canary}", stable="{stable}")', TIERS) == []
    assert found(NAME, 'arms=Arms("version")', TIERS) == []
