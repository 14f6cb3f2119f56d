"""YAML that somebody else wrote → its values, or YAMLError; aliases and nesting are limited.

A few lines of aliases can stand for billions of values; what says more than MOST values is not read. Reading is slow:
call it off the event loop.
"""

from __future__ import annotations

from typing import Any

import yaml

MOST = 200_000
DEEPEST = 100


class _Shallow(yaml.SafeLoader):
    """Refuses nesting that nobody writes by hand: it would take quadratic time."""

    _depth = 0

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= DEEPEST:
            raise yaml.YAMLError(f"it is more than {DEEPEST} levels deep")
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"it is more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read_yaml(text: str) -> object:
    """What a document says. Raises yaml.YAMLError for what is none, or says too much."""
    loader = _Shallow(text)
    try:
        top = loader.get_single_node()
        if top is None:
            return None
        if _size(top, {}) > MOST:
            raise yaml.YAMLError(f"it says more than {MOST} values; write fewer aliases")
        return loader.construct_document(top)
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(f"it cannot be read ({type(error).__name__})") from None
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node holds, each alias counted as all that it refers to."""
    if id(node) not in known:
        known[id(node)] = MOST + 1  # until it is known: one that holds itself has no end
        if isinstance(node, yaml.MappingNode):
            below = [one for pair in node.value for one in pair]
        else:
            below = node.value if isinstance(node, yaml.SequenceNode) else []
        known[id(node)] = 1 + sum(_size(one, known) for one in below)
    return known[id(node)]
