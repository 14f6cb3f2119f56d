"""A YAML text that somebody wrote → its nodes, which know their lines, and its values, in which every scalar is a text.

Alertmanager reads a scalar by the field that it is in: `yes` may be a text. So no type is guessed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from handrail.output.read_yaml import LOADER

MOST = 200_000
DEEPEST = 100


class Unreadable(Exception):
    """The text is no YAML that can be taken apart: on which line, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


class _Loader(LOADER):  # type: ignore[misc]
    """Knows `<<` and null, and takes every other scalar for a text."""


_KNOWN = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:null")
_Loader.yaml_implicit_resolvers = {
    first: known
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (known := [one for one in resolvers if one[0] in _KNOWN])
}


def nodes(text: str) -> yaml.MappingNode:
    """The mapping that the text is. Raises Unreadable."""
    try:
        top = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        why = error.problem or "it is no YAML"
        if why.startswith("but ") and error.context:
            why = f"{error.context}, {why}"
        raise Unreadable(mark.line + 1 if mark else 1, why) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(1, f"it is no YAML ({type(error).__name__})") from None
    if top is None:
        raise Unreadable(1, "it is empty")
    if not isinstance(top, yaml.MappingNode):
        raise Unreadable(1, "it is no mapping of keys")
    return top


def values(node: yaml.Node) -> Any:
    """What a node says; what it is an alias of is said again. Raises Unreadable for a key that stands twice."""
    return _value(node, 0, iter(range(MOST)))


def line_of(node: yaml.Node) -> int:
    """Its first line, counted from 1."""
    return int(node.start_mark.line) + 1


def entry(mapping: yaml.MappingNode, key: str) -> tuple[yaml.ScalarNode, yaml.Node] | None:
    """The key as it is written in this mapping, and its value."""
    for name, value in mapping.value:
        if isinstance(name, yaml.ScalarNode) and name.value == key:
            return name, value
    return None


def last_line(node: yaml.Node) -> int:
    """The last line of what a node says, counted from 0, without comments and empty lines behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        below = [one for item in node.value for one in (item if isinstance(item, tuple) else (item,))]
        return max((last_line(one) for one in below), default=int(node.start_mark.line))
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return int(node.end_mark.line) - (1 if block else 0)


def _value(node: yaml.Node, depth: int, left: Iterator[int]) -> Any:
    if depth > DEEPEST or next(left, None) is None:
        raise Unreadable(line_of(node), "it holds more than anybody writes")
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, depth + 1, left) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, depth, left)
    return None if node.tag.endswith(":null") else str(node.value)


def _mapping(node: yaml.MappingNode, depth: int, left: Iterator[int]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in node.value:
        if key.tag.endswith(":merge"):
            taken = _value(value, depth + 1, left)
            for one in reversed(taken if isinstance(taken, list) else [taken]):
                merged |= one if isinstance(one, dict) else {}
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable(line_of(key), "a key is no text")
        if key.value in own:
            raise Unreadable(line_of(key), f"the key '{key.value}' stands twice in one mapping")
        own[key.value] = _value(value, depth + 1, left)
    return {**merged, **own}
