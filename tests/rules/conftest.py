"""Every test that asks for `promtool` runs with the newer one, and where a window decides with the system's as well.

The system's is of 2.42. What it reads otherwise than 3.5 is the left end of a window: these modules ask about what falls
there. `make check` asks it about every rule of this repository, by its generated tests, and `make test-long` about
everything else. `test_judged.py` holds that no function reads a window that is not among what it is asked about.
"""

from __future__ import annotations

import pytest

from .judged import NEWER, PROMTOOLS

WINDOWS = (
    "changed",
    "compared",
    "counting",
    "gates",
    "over_stage",
    "promises",
    "series_measures",
    "slo",
    "slo_slices",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "promtool" in metafunc.fixturenames:
        windows = metafunc.module.__name__.rpartition(".test_")[2] in WINDOWS
        system, newer = PROMTOOLS
        both = [
            pytest.param(system, id="2.42", marks=[] if windows else [pytest.mark.long]),
            pytest.param(newer, id="3.5"),
        ]
        metafunc.parametrize("promtool", both, indirect=True)


@pytest.fixture
def promtool(request: pytest.FixtureRequest) -> str:
    """The path of one promtool."""
    if request.param == str(NEWER) and not NEWER.exists():
        pytest.fail(f"{NEWER} is not there; run `make tools`")
    return str(request.param)
