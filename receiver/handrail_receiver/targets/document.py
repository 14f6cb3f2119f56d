"""A YAML or JSON text and a place in it → the value there, or the same text with another value there.

Only the value's own characters change: comments, order, quotes and indentation elsewhere stay as they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from handrail.contract import Scalar

from handrail_receiver.errors import Cause, Permanent


def value_at(text: str, key: str) -> Scalar:
    """The value at the dotted `key`; raises Permanent when there is none or when it is not a single value."""
    found = _walk(_loaded(text), _parts(key), key)
    if isinstance(found, str | int | float | bool) or found is None:
        return found
    raise Permanent(
        Cause.invalid, f"{key} holds a {_kind(found)}, not a single value; give the place inside it"
    )


def with_value(text: str, key: str, value: Scalar) -> str:
    """`text` with `value` at `key`; raises Permanent rather than change anything else."""
    value_at(text, key)
    node = _scalar(text, key)
    start, end = node.start_mark.index, node.end_mark.index
    gap = " " if start == end else ""  # `key:` with nothing behind it
    changed = text[:start] + gap + _written(value, quoted=node.style == '"') + text[end:]
    if not same(_loaded(changed), _replaced(_loaded(text), _parts(key), value)):
        raise Permanent(
            Cause.invalid,
            f"{key} cannot be changed without changing more (an anchor, an alias, a tag or a block); write it plainly",
        )
    return changed


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same in JSON's sense: `true` is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _loaded(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise Permanent(
            Cause.invalid, f"the file is not one YAML document{place}; give another path"
        ) from None


def _parts(key: str) -> list[str]:
    """`a.b\\.c.0` → `a`, `b.c`, `0`."""
    return [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", key)]


def _walk(tree: Any, parts: list[str], key: str) -> Any:
    for part in parts:
        tree = _child(tree, part, key)
    return tree


def _child(tree: Any, part: str, key: str) -> Any:
    if isinstance(tree, dict):
        for name, child in tree.items():
            if str(name) == part:
                return child
    if isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
        return tree[int(part)]
    raise Permanent(
        Cause.missing, f"there is no {key}: nothing is called {part} in a {_kind(tree)}; correct the key"
    )


def _replaced(tree: Any, parts: list[str], value: Scalar) -> Any:
    """A copy of `tree` with `value` at `parts`, which exist."""
    if not parts:
        return value
    if isinstance(tree, list):
        return [
            _replaced(child, parts[1:], value) if at == int(parts[0]) else child
            for at, child in enumerate(tree)
        ]
    return {
        name: _replaced(child, parts[1:], value) if str(name) == parts[0] else child
        for name, child in tree.items()
    }


def _scalar(text: str, key: str) -> yaml.ScalarNode:
    """The characters of the value at `key`, which exists; raises Permanent when they stand somewhere else."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in _parts(key):
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
        else:
            node = next((child for name, child in reversed(node.value) if name.value == part), None)
    if isinstance(node, yaml.ScalarNode):
        return node
    raise Permanent(
        Cause.invalid, f"{key} is not written where it is read (it comes by `<<`); write it plainly"
    )


def _written(value: Scalar, *, quoted: bool) -> str:
    """`value` as YAML for any place, also between brackets; double quotes stay double quotes (and JSON JSON)."""
    if quoted and isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    listed: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000_000)
    return listed.strip()[1:-1]


def _kind(tree: Any) -> str:
    words = {"dict": "mapping", "NoneType": "nothing", "str": "text"}
    return words.get(type(tree).__name__, type(tree).__name__)
