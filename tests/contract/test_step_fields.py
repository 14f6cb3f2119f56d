"""A field of a step that says of itself nothing, or two things, is refused before anybody can declare one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from handrail.contract.step_fields import FieldRole, Identity, Means, Value, roles_of
from pydantic import Field


@dataclass
class Classified:
    server: Identity[str]
    weight: Value[Annotated[int, Field(ge=0)]]
    token: Means[str | None] = None


@dataclass
class Forgotten(Classified):
    percent: int = 0


@dataclass
class Twice(Classified):
    percent: Value[Identity[int]] = 0


def test_each_field_has_the_role_that_it_says() -> None:
    roles = {"server": FieldRole.identity, "weight": FieldRole.value, "token": FieldRole.means}
    assert roles_of(Classified) == roles


@pytest.mark.parametrize(("step", "count"), [(Forgotten, 0), (Twice, 2)])
def test_a_field_with_no_role_or_two_is_named(step: type, count: int) -> None:
    with pytest.raises(TypeError) as raised:
        roles_of(step)
    assert str(raised.value) == (
        f"{step.__name__}.percent has {count} roles; write one of Identity[…], Value[…], Means[…]"
    )
