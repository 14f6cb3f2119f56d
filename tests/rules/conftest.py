"""Every test that asks for `promtool` runs with the system's and with the newer one."""

from __future__ import annotations

import pytest

from .judged import NEWER, PROMTOOLS


@pytest.fixture(params=PROMTOOLS, ids=["2.42", "3.5"])
def promtool(request: pytest.FixtureRequest) -> str:
    """The path of one promtool."""
    if request.param == str(NEWER) and not NEWER.exists():
        pytest.fail(f"{NEWER} is not there; run `make tools`")
    return str(request.param)
