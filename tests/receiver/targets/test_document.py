"""A text, a place and a value → the same text with another value there, and nothing else changed."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
import yaml
from handrail.contract import Scalar, Written
from handrail_receiver.errors import Permanent
from handrail_receiver.targets.document import value_at, with_value
from handrail_receiver.targets.scalars import same, says
from hypothesis import given
from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
)

SHARED = "cannot be changed without changing more (an anchor, an alias or a tag); write it plainly"


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
        ("a.b/c: 'x'\n", "a\\.b/c", "y", "a.b/c: 'y'\n"),
        ("env:\n- name: RATE\n  value: '0.5'\n", "env.0.value", "0", "env:\n- name: RATE\n  value: '0'\n"),
        ("text: |\n  one\n  two\nb: 1\n", "text", "short", "text: short\nb: 1\n"),
        ("größe: ü\n", "größe", "ß", "größe: ß\n"),
        ("a: ü😀\nb: 1\n", "b", "2", "a: ü😀\nb: '2'\n"),
        ("\ufeffa: b\n", "a", "c", "\ufeffa: c\n"),
        ("tag: v1\n", "tag", "1234e56", "tag: '1234e56'\n"),
        ("tag: v1\n", "tag", "off", "tag: 'off'\n"),
        ("tag: v1\n", "tag", "22:22", "tag: '22:22'\n"),
        ('{"n": 1}', "n", "one", '{"n": "one"}'),
        ("day: 2026-01-01\n", "day", "2026-01-02", "day: '2026-01-02'\n"),
    ],
)
def test_only_the_value_changes(before: str, key: str, value: Any, after: str) -> None:
    assert with_value(before, key, value) == after


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("a: &x v1\nb: *x\n", "a", f"a {SHARED}"),
        ("base: &x {t: 1}\nweb:\n  <<: *x\n", "web.t", "there is no web.t, only web; correct the key"),
        ("a: 1\n---\na: 2\n", "a", "the file is not one YAML document (line 2); give another path"),
        ("a: [1\n", "a", "the file is not one YAML document (line 2); give another path"),
        ("a: &x [*x]\n", "a.0", f"a.0 {SHARED}"),
        ("a: !!str 1\n", "a", f"a {SHARED}"),
        ("a: &x v1\n", "a", f"a {SHARED}"),
        ("base: &x {t: 1}\nweb: *x\n", "base.t", f"base.t {SHARED}"),
        ("a: 1\na: 2\n", "a", "a is there 2 times; leave one of them"),
        ("a: " + "[" * 5000, "a", "the file is nested deeper than 100 levels; give another path"),
        ("a: 1\n", "b", "there is no b, only other names at the top; correct the key"),
        ("a: 1\n", "a.b", "there is no a.b, only a; correct the key"),
        ("a: [1]\n", "a", "a is not a single value; give the place inside it"),
        ("", "a", "there is no a, only other names at the top; correct the key"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, key: str, says: str) -> None:
    with pytest.raises(Permanent) as raised:
        with_value(text, key, "new")
    assert str(raised.value) == says


PINNED = (
    "v41",
    "'v41'",
    '"1234e56"',
    "'8e10021'",
    "1234e56",
    '"08"',
    "0123456",
    "0o17",
    "off",
    "22:22",
    "1:30",
    "1.10",
    "1_000",
    "2026-01-01",
    "0",
    "0.50",
    "~",
    "yes",
    "'it''s'",
    '"a\\tb"',
    "https://g.example/x#y",
)


@pytest.mark.parametrize("written", PINNED)
@pytest.mark.parametrize("now", ["v42", "'v42'", '"v42"', "42", "|\n  v42", "", "on"])
def test_what_was_pinned_is_put_back_letter_for_letter(written: str, now: str) -> None:
    before, bad = (f"a: 1\n{f'tag: {one}'.rstrip()}\nb: 2 # why\n" for one in (written, now))
    pinned = value_at(before, "tag")
    assert pinned == Written(written)
    restored = with_value(bad, "tag", pinned)
    assert (restored, says(value_at(restored, "tag"), pinned)) == (before, True)


def test_a_block_is_put_back_too_and_quoted_where_it_cannot_stand() -> None:
    text = "k:\n  text: |\n    one\n    two\nb: 1\n"
    pinned = value_at(text, "k.text")
    assert pinned == Written("|\n    one\n    two")
    assert with_value("k:\n  text: short\nb: 1\n", "k.text", pinned) == text
    assert with_value("k: {text: short}\n", "k.text", pinned) == 'k: {text: "one\\ntwo\\n"}\n'


@pytest.mark.parametrize(
    ("found", "value", "is_so"),
    [
        ("v1", Written('"v1"'), True),
        ("'v1'", "v1", True),
        ("1.10", Written("1.1"), False),
        ("1.10", 1.1, True),
        ("off", Written("off"), True),
        ("off", Written("'off'"), False),
        ("off", "off", False),
        ("off", False, False),
        ("'off'", "off", True),
        ("no", Written("off"), False),
        ("0123", 123, False),
        ("010", 10, False),
        ("10", 10, True),
        ("'10'", 10, False),
        ("true", True, True),
        ("true", 1, False),
        ("null", None, True),
        ("", None, True),
        ("2026-01-01", "2026-01-01", False),
        ("1234e56", "1234e56", False),
    ],
)
def test_it_is_so_when_every_reader_takes_it_for_the_same(
    found: str, value: Scalar | Written, is_so: bool
) -> None:
    assert says(Written(found), value) is is_so


@given(
    tree=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), SCALARS, min_size=1, max_size=4),
    value=SCALARS,
    flow=st.booleans(),
)
def test_any_value_can_take_the_place_of_any_other(tree: dict[str, Any], value: Any, flow: bool) -> None:
    text = yaml.safe_dump({"top": [tree]}, default_flow_style=flow, allow_unicode=True)
    key = next(iter(tree))
    changed = with_value(text, f"top.0.{key}", value)
    assert says(value_at(changed, f"top.0.{key}"), value)
    assert same(yaml.safe_load(changed), {"top": [{**tree, key: value}]})
    pinned = value_at(text, f"top.0.{key}")
    assert says(value_at(with_value(changed, f"top.0.{key}", pinned), f"top.0.{key}"), pinned)


def test_aliases_of_aliases_take_neither_time_nor_memory() -> None:
    names = "abcdefghijklmnopqrstuvwxy"
    lines = [
        f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]" for before, after in itertools.pairwise(names)
    ]
    text = "\n".join(["a: &a [x, x]", *lines, "tag: v2", ""])
    began = time.monotonic()
    assert with_value(text, "tag", "v1") == text.replace("v2", "v1")
    assert time.monotonic() - began < 2


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
