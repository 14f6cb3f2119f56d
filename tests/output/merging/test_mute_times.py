"""Mute times in a fragment → time intervals beside theirs, replaced and removed with everything else of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from emit.alertmanager.test_configuration import BOTH, asked
from emit.guarded_shop import ENVIRONMENT, kiosk, shop
from handrail.declare import MuteTime
from handrail.emit.alertmanager import emit
from handrail.lower import lower
from handrail.output.merging.merge_alertmanager import merged, without
from handrail.output.read_yaml import read_yaml
from output.merging import test_refused

SUNDAYS = MuteTime(weekdays=["sunday"])
PLACE = replace(ENVIRONMENT, existing=["alertmanager"], mute={"P3": [SUNDAYS]})
FRAGMENT = emit(lower([shop, kiosk], PLACE).common)["alertmanager/fragment.yml"]
NONE = test_refused.PLAIN
THEIRS = f"""{NONE}time_intervals:
  - name: nights
    time_intervals:
      - times: [{{start_time: "01:00", end_time: "05:00"}}]
"""


def intervals(text: str) -> list[Any]:
    return list(read_yaml(text).get("time_intervals", []))


@BOTH
@pytest.mark.parametrize("text", [NONE, THEIRS], ids=["none", "theirs"])
def test_ours_stand_beside_theirs_and_go_without_a_trace(text: str, amtool: Path, tmp_path: Path) -> None:
    made = merged(text, FRAGMENT, "production", (), "am.yml")
    ours = [{"name": "production/shop/P3", "time_intervals": [{"weekdays": ["sunday"], "location": "UTC"}]}]
    assert intervals(made) == [*ours, *intervals(text)]
    assert (merged(made, FRAGMENT, "production", (), "am.yml"), without(made, "am.yml")) == (made, text)
    file = tmp_path / "alertmanager.yml"
    file.write_text(made)
    code, said = asked(amtool, "check-config", file)
    assert (code, "SUCCESS" in said) == (0, True), said


def test_a_name_of_theirs_that_is_ours_is_refused_with_its_line() -> None:
    [said] = test_refused.refusal(THEIRS.replace("nights", "production/shop/P3"), fragment=FRAGMENT)
    assert said == (
        "am.yml:22: a time interval is called 'production/shop/P3' already, and so is one of ours; rename it; or remove it, "
        "with its routes, if it was put here by hand from generated/"
    )
