"""The lines of a YAML file, and items for one of its lists → where they go, at the head of the list, and what the file says then.

A list that is missing is added with its key, an empty one on one line (`[]`) is opened; comments behind the keys say so,
and whoever takes the items out again finds the file as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from handrail.output.merging.marked_parts import Part, marked
from handrail.output.merging.yaml_nodes import entry, last_line, line_of, values

ADDED = "# handrail: added"
"""Behind a key that was not there: it goes when nothing is below it any more."""
_OPENED = "# handrail: was "
"""Behind a key that was an empty list on one line."""
_KEY_MARK = re.compile(r" # handrail: (?:added|was (\[\s*\]))")
_EMPTY = re.compile(r"\[\s*\]")


class NoPlace(Exception):
    """The list is written in a way that takes no items: on which line, what it is, what to do."""

    def __init__(self, line: int, what: str, cure: str) -> None:
        super().__init__(what)
        self.line, self.what, self.cure = line, what, cure


@dataclass
class Insertions:
    """Items of one environment for lists of a file; `parts` are those of others that stand there."""

    text: Sequence[str]
    parts: Sequence[Part]
    environment: str
    top: yaml.MappingNode
    _put: list[tuple[int, list[str]]] = field(default_factory=list)
    _changed: dict[int, str] = field(default_factory=dict)
    _items: dict[tuple[int, str], tuple[int, list[Any]]] = field(default_factory=dict)

    def add(self, mapping: yaml.MappingNode, key: str, lines: Sequence[str], items: list[Any]) -> None:
        """Put `lines`, which say `items`, at the head of the list `key` of `mapping`. Raises NoPlace."""
        if mapping.flow_style:
            raise NoPlace(
                line_of(mapping), f"the mapping with '{key}' is written between braces", _ONE_A_LINE
            )
        present = entry(mapping, key)
        at, indent = self._added(mapping, key) if present is None else self._opened(key, *present)
        at = self._behind_others(at)
        before = present[1].value if present and isinstance(present[1], yaml.SequenceNode) else []
        self._items[id(mapping), key] = (sum(line_of(item) <= at for item in before), items)
        self._put_in(at, marked(self.environment, lines, indent))

    def lines(self) -> list[str]:
        """The file with all of it."""
        made = [self._changed.get(number, line) for number, line in enumerate(self.text)]
        for at, _, lines in sorted(((at, n, lines) for n, (at, lines) in enumerate(self._put)), reverse=True):
            made[at:at] = lines  # of two at one line the first comes out above
        return made

    def expected(self, node: yaml.Node) -> Any:
        """What the file has to say then: what `node` said, and the items."""
        if isinstance(node, yaml.SequenceNode):
            return [self.expected(item) for item in node.value]
        if not isinstance(node, yaml.MappingNode):
            return values(node)
        said = values(node)
        said |= {
            name.value: self.expected(value) for name, value in node.value if not name.tag.endswith(":merge")
        }
        for (mapping, key), (place, items) in self._items.items():
            if mapping == id(node):
                known = said.get(key) or []
                said[key] = [*known[:place], *items, *known[place:]]
        return said

    def _added(self, mapping: yaml.MappingNode, key: str) -> tuple[int, int]:
        """A key of its own, behind all that the mapping says."""
        if key in values(mapping):
            raise NoPlace(line_of(mapping), f"'{key}' comes from an alias here", "write it out")
        indent = int(mapping.start_mark.column)
        at = last_line(mapping) + 1
        self._put_in(at, [f"{' ' * indent}{key}: {ADDED}"])
        return at, indent + self._step()

    def _opened(self, key: str, name: yaml.ScalarNode, value: yaml.Node) -> tuple[int, int]:
        """Below the key, where it has items or could have some."""
        at = int(name.start_mark.line)
        column = int(name.start_mark.column) + self._step()
        if isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null") and not value.value:
            return at + 1, column
        if isinstance(value, yaml.SequenceNode) and not value.flow_style and int(value.start_mark.line) >= at:
            item = self.text[int(value.value[0].start_mark.line)]  # an anchor may stand behind the key
            return at + 1, len(item) - len(item.lstrip())
        first, last = int(value.start_mark.column), int(value.end_mark.column)
        alone = int(value.start_mark.line) == int(value.end_mark.line) == at
        written = self.text[at][first:last] if alone else ""
        if _EMPTY.fullmatch(written):
            line = self.text[at]
            self._changed[at] = f"{line[:first]}{_OPENED}{written}{line[last:]}"
            return at + 1, column
        raise NoPlace(line_of(name), f"'{key}' is written in a way that takes no other items", _ONE_A_LINE)

    def _step(self) -> int:
        """How far items stand in from their key in this file."""
        present = entry(self.top, "receivers")
        if present is None or not isinstance(present[1], yaml.SequenceNode) or present[1].flow_style:
            return 2
        return int(present[1].start_mark.column) - int(present[0].start_mark.column)

    def _behind_others(self, at: int) -> int:
        """Behind the parts of environments whose names come first: in whatever order they are merged, one file comes out."""
        for part in self.parts:
            if part.first == at and part.environment < self.environment:
                at = part.last + 1
        return at

    def _put_in(self, at: int, lines: list[str]) -> None:
        end = "\r" if self.text[0].endswith("\r") else ""
        self._put.append((at, [f"{line}{end}" for line in lines]))


_ONE_A_LINE = "write it with one item a line (`- …`)"


def with_keys_as_before(text: str, top: yaml.MappingNode) -> str:
    """The text without the keys that were added and with the empty lists that were opened, where nothing is below them."""
    lines: list[str | None] = list(text.split("\n"))
    for name, value in _entries(top):
        at = int(name.start_mark.line)
        line = lines[at] or ""
        mark = _KEY_MARK.search(line)
        if mark and isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null"):
            lines[at] = f"{line[: mark.start()]} {mark[1]}{line[mark.end() :]}" if mark[1] else None
    return "\n".join(line for line in lines if line is not None)


def _entries(node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode):
                yield name, value
            yield from _entries(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _entries(item)
