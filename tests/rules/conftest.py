"""Every test that asks for `promtool` runs with the system's and with the newer one.

The stories of this repository's own rollouts are told to the system's by `make test-long` alone: `make check` asks it
about the same rules, by their generated tests.
"""

from __future__ import annotations

import pytest

from .judged import NEWER, PROMTOOLS

OWN = ("aidin", "aidin_audit", "aidin_requests", "clinic", "five_by_hand", "relay", "ruleiq")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "promtool" in metafunc.fixturenames:
        own = metafunc.module.__name__.rpartition(".test_")[2] in OWN
        system, newer = PROMTOOLS
        both = [
            pytest.param(system, id="2.42", marks=[pytest.mark.long] if own else []),
            pytest.param(newer, id="3.5"),
        ]
        metafunc.parametrize("promtool", both, indirect=True)


@pytest.fixture
def promtool(request: pytest.FixtureRequest) -> str:
    """The path of one promtool."""
    if request.param == str(NEWER) and not NEWER.exists():
        pytest.fail(f"{NEWER} is not there; run `make tools`")
    return str(request.param)
