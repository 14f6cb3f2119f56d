"""Lints see every series of a measure, whatever its field is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.declare.field_types import Series, Several
from handrail.lint.common.measured import series


@dataclass
class Invented:
    """A measure with fields that no other has."""

    numerator: Series
    over: str
    others: Series | Several | None = None


def test_a_field_of_the_type_series_is_one_by_any_name() -> None:
    measure: Any = Invented("a_total", "max", ["b_total", "c_total"])
    assert list(series(measure)) == [("numerator", "a_total"), ("others", "b_total"), ("others", "c_total")]
