"""Usage from what is left of a size: how full it is, and never fine where that is unknown."""

from __future__ import annotations

from typing import Literal

import pytest
from handrail import declare as d
from handrail.report.wording import meaning

from .judged import IN_10, complaints, firing, shop, value

DISK = d.Usage("avail_bytes", "size_bytes", left=True, by=["mountpoint"])
FULL = d.Guardrail("disk", DISK, tiers=[d.Warning(d.Above("80%"))])
UP = {'up{job="shop",instance="a"}': "1x200", **IN_10}


def disk(left: str, size: str = "100x200", mountpoint: str = "/") -> dict[str, str]:
    return {
        f'{name}{{mountpoint="{mountpoint}"}}': of
        for name, of in (("avail_bytes", left), ("size_bytes", size))
    }


def test_it_fires_for_the_one_that_is_full(promtool: str) -> None:
    series = {**UP, **disk("19x200"), **disk("21x200", mountpoint="/data")}
    full = {
        f'{{guardrail="disk",mountpoint="{at}",rollout="shop"}}': share
        for at, share in (("/", 0.81), ("/data", 0.79))
    }
    asked = (firing("20m", "ShopDiskWarning"), value("20m", full))
    assert complaints(promtool, shop(FULL), series, *asked) == ""


@pytest.mark.parametrize(
    "series", [{}, disk("50x20" + " NaN" * 180), disk("50x200", size="0x200")], ids=["gone", "NaN", "no size"]
)
@pytest.mark.parametrize("over", ["sum", "max"])
def test_what_cannot_be_known_is_blind(
    promtool: str, series: dict[str, str], over: Literal["sum", "max"]
) -> None:
    guardrail = d.Guardrail(
        "disk", d.Usage("avail_bytes", "size_bytes", left=True, over=over), tiers=[d.Warning(d.Above("80%"))]
    )
    assert complaints(promtool, shop(guardrail), {**UP, **series}, firing("40m", "ShopDiskBlind")) == ""


def test_its_words_say_what_is_left_of_what() -> None:
    [signal] = shop(FULL).guardrails[0].signals
    assert meaning(signal.measure) == (
        "How much of `size_bytes` is in use, of which `avail_bytes` is left, for each `mountpoint`."
    )
