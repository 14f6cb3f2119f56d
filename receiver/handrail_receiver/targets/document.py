"""A YAML or JSON text and a place in it → the value there, or the same text with another value there.

Only the value's own characters change: comments, order, quotes and indentation elsewhere stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from handrail.contract import Scalar
from yaml.constructor import SafeConstructor

from handrail_receiver.errors import Cause, Permanent

Place = tuple[str, ...]


def value_at(text: str, key: str) -> Scalar:
    """The value at the dotted `key`; raises Permanent when there is none or when it is not a single value."""
    return _value(_node(text, key), key)


def with_value(text: str, key: str, value: Scalar) -> str:
    """`text` with `value` at `key`; raises Permanent rather than change anything else."""
    node = _node(text, key)
    _value(node, key)
    start, end = node.start_mark.index, node.end_mark.index
    before = " " if start == end else ""  # `key:` with nothing behind it
    after = "\n" if text[start:end].endswith("\n") else ""  # a block (`|`, `>`) reaches to the next line
    written = _written(value, quoted=node.style == '"')
    changed = f"{text[:start]}{before}{written}{after}{text[end:]}"
    if not _differ_only_at(_parts(key), value, text, changed):
        raise Permanent(
            Cause.invalid,
            f"{key} cannot be changed without changing more (an anchor, an alias or a tag); write it plainly",
        )
    return changed


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same in JSON's sense: `true` is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _differ_only_at(place: Place, value: Scalar, text: str, changed: str) -> bool:
    """Whether the two texts say the same but at `place`, where the changed one says `value`."""
    try:
        was, now = _nodes(text), _nodes(changed)
    except Permanent:
        return False
    said = [{at: _said(node) for at, node in nodes.items() if at != place} for nodes in (was, now)]
    return said[0] == said[1] and same(_value(now[place], "it"), value)


def _node(text: str, key: str) -> Any:
    """The value's node, as PyYAML composes it: a merge (`<<`) is not followed."""
    nodes, place = _nodes(text), _parts(key)
    if place in nodes:
        return nodes[place]
    near = next(".".join(place[:length]) for length in range(len(place), -1, -1) if place[:length] in nodes)
    raise Permanent(
        Cause.missing, f"there is no {key}, only {near or 'other names at the top'}; correct the key"
    )


def _nodes(text: str) -> dict[Place, yaml.Node]:
    """Every place of the one document in `text`."""
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
        return dict(_below((), top)) if top is not None else {(): yaml.MappingNode("", [])}
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise Permanent(
            Cause.invalid, f"the file is not one YAML document{line}; give another path"
        ) from None


def _below(place: Place, node: yaml.Node) -> Iterator[tuple[Place, yaml.Node]]:
    yield place, node
    if isinstance(node, yaml.MappingNode):
        for name, child in node.value:
            yield from _below((*place, str(name.value)), child)
    if isinstance(node, yaml.SequenceNode):
        for at, child in enumerate(node.value):
            yield from _below((*place, str(at)), child)


def _said(node: yaml.Node) -> tuple[str, object]:
    """What a node says, without where and how it is written."""
    return node.tag, node.value if isinstance(node, yaml.ScalarNode) else len(node.value)


def _value(node: yaml.Node, key: str) -> Scalar:
    if not isinstance(node, yaml.ScalarNode):
        raise Permanent(Cause.invalid, f"{key} is not a single value; give the place inside it")
    try:
        value = SafeConstructor().construct_document(node)
    except (yaml.YAMLError, ValueError):
        value = node
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    raise Permanent(Cause.invalid, f"{key} is a {node.tag.rpartition(':')[2]}; write it in quotes")


def _parts(key: str) -> Place:
    """`a.b\\.c.0` → `a`, `b.c`, `0`."""
    return tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", key))


def _written(value: Scalar, *, quoted: bool) -> str:
    """`value` as YAML for any place, also between brackets; double quotes stay double quotes (and JSON JSON)."""
    if quoted and isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    listed: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000_000)
    return listed.strip()[1:-1]
