"""A text, a place and a value → the same text with another value there, and nothing else changed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from handrail_receiver.errors import Permanent
from handrail_receiver.targets.document import same, value_at, with_value
from hypothesis import given
from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
)


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("tag: v1\n", "tag", "v2", "tag: v2\n"),
        ("tag: v1 # why\nb: 1\n", "tag", "1.10", "tag: '1.10' # why\nb: 1\n"),
        ('{"image": {"tag": "v1"}, "n": 1}', "image.tag", "v2", '{"image": {"tag": "v2"}, "n": 1}'),
        ("a: {b: x, c: [1, 2]}\n", "a.c.1", "y, z", "a: {b: x, c: [1, 'y, z']}\n"),
        ("on: true\n", "on", False, "on: false\n"),
        ("weight: 10\r\nb: 2\r\n", "weight", 0, "weight: 0\r\nb: 2\r\n"),
        ("tag:   # nothing yet\nb: 1\n", "tag", "v1", "tag: v1   # nothing yet\nb: 1\n"),
        ("a.b/c: 'x'\n", "a\\.b/c", "y", "a.b/c: y\n"),
        ("env:\n- name: RATE\n  value: '0.5'\n", "env.0.value", "0", "env:\n- name: RATE\n  value: '0'\n"),
        ("text: |\n  one\n  two\nb: 1\n", "text", "short", "text: short\nb: 1\n"),
        ("größe: ü\n", "größe", "ß", "größe: ß\n"),
    ],
)
def test_only_the_value_changes(before: str, key: str, value: Any, after: str) -> None:
    assert with_value(before, key, value) == after


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (
            "a: &x v1\nb: *x\n",
            "a",
            "a cannot be changed without changing more (an anchor, an alias or a tag); write it plainly",
        ),
        ("base: &x {t: 1}\nweb:\n  <<: *x\n", "web.t", "there is no web.t, only web; correct the key"),
        ("a: 1\n---\na: 2\n", "a", "the file is not one YAML document (line 2); give another path"),
        ("a: [1\n", "a", "the file is not one YAML document (line 2); give another path"),
        ("a: &x [*x]\n", "a.0", "the file is not one YAML document; give another path"),
        ("a: 1\n", "b", "there is no b, only other names at the top; correct the key"),
        ("a: 1\n", "a.b", "there is no a.b, only a; correct the key"),
        ("a: [1]\n", "a", "a is not a single value; give the place inside it"),
        ("a: 2026-01-01\n", "a", "a is a timestamp; write it in quotes"),
        ("", "a", "there is no a, only other names at the top; correct the key"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, key: str, says: str) -> None:
    with pytest.raises(Permanent) as raised:
        with_value(text, key, "new")
    assert str(raised.value) == says


@given(
    tree=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), SCALARS, min_size=1, max_size=4),
    value=SCALARS,
    flow=st.booleans(),
)
def test_any_value_can_take_the_place_of_any_other(tree: dict[str, Any], value: Any, flow: bool) -> None:
    text = yaml.safe_dump({"top": [tree]}, default_flow_style=flow, allow_unicode=True)
    key = next(iter(tree))
    changed = with_value(text, f"top.0.{key}", value)
    assert same(value_at(changed, f"top.0.{key}"), value)
    assert same(yaml.safe_load(changed), {"top": [{**tree, key: value}]})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, False, False),
        ([1, [True]], [1, [True]], True),
        ([1, [True]], [1, [1]], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([], {}, False),
    ],
)
def test_values_are_the_same_as_in_json(one: Any, other: Any, alike: bool) -> None:
    assert same(one, other) is alike
