"""Counters of targets that restart, move and die → the value that the rules must record."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from handrail.emit.promtool.lives import Counted
from handrail.emit.promtool.series import Key, Rise
from handrail.plan import Ratio, Selector

FED = {Key.of("served_total", {}): Rise(Decimal(12)), Key.of("asked_total", {}): Rise(Decimal(10))}


@pytest.mark.parametrize(("beside", "value"), [(True, Decimal(1)), (False, Decimal("1.2"))])
def test_a_part_that_is_counted_beside_the_whole_is_all_of_it_at_most(beside: bool, value: Decimal) -> None:
    parts = (Selector("served_total"),), (Selector("asked_total"),)
    measure = Ratio(*parts, timedelta(minutes=5), 1, 0, bad=False, beside=beside)
    assert Counted(FED).value(measure) == value
