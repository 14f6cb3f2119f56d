"""Whatever is declared, if lint accepts it: its generated tests hold on both promtools, and amtool takes the routes."""

from __future__ import annotations

import pytest

from .run import run


def test_some_declarations_of_every_kind() -> None:
    result = run(5, seed=1)
    assert (result.accepted, result.disagreements) == (5, [])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_declarations_of_every_kind(seed: int) -> None:
    result = run(100, seed)
    assert (result.accepted, [str(one) for one in result.disagreements]) == (100, [])
