"""`@declared` → values that are refused once, where they are wrong, and cannot be changed."""

from __future__ import annotations

import pytest
from declared import refusals
from handrail.declare import Environment
from pydantic import ValidationError


def test_a_value_that_was_refused_already_is_not_refused_where_it_is_used() -> None:
    expression = "Rollout('a', 'b', guardrails=[Guardrail('x', Ratio(of='a'), tiers=[Warning(Abvoe(1))])])"
    assert refusals(expression) == [
        "Ratio: a ratio has one part over the whole; give either bad= or good=",
        "there is no 'Abvoe'; did you mean 'Above'?",
    ]


def test_what_an_unknown_word_is_mixed_into_is_not_refused_either() -> None:
    assert refusals("Guardrail(f'x-{nmae}', Rate('a'), tiers=[*TIRES, Warning(Above(1 + limti))])") == [
        "there is no 'TIRES'; `handrail docs declarations` has the words there are",
        "there is no 'limti'; `handrail docs declarations` has the words there are",
        "there is no 'nmae'; `handrail docs declarations` has the words there are",
    ]


def test_without_the_loader_a_declaration_raises() -> None:
    with pytest.raises(ValidationError):
        Environment("Production")


def test_declarations_are_values() -> None:
    one, other = Environment("here"), Environment("here")
    assert one == other
    with pytest.raises(AttributeError):
        one.name = "there"  # type: ignore[misc]
