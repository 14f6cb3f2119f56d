"""Whatever declaration lint accepts: its generated tests pass on both promtools, and amtool accepts its routes."""

from __future__ import annotations

import pytest

from .run import run


def test_some_declarations_of_every_kind() -> None:
    result = run(3, seed=1)
    assert (result.accepted, result.disagreements) == (3, [])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_declarations_of_every_kind(seed: int) -> None:
    result = run(100, seed)
    assert (result.accepted, [str(one) for one in result.disagreements]) == (100, [])
