"""YAML that somebody else wrote → its values, or YAMLError: never more work than its length is worth.

A few lines of aliases can stand for billions of values; what says more than MOST values is not read. Reading is slow:
call it off the event loop.
"""

from __future__ import annotations

import yaml

MOST = 200_000


def read_yaml(text: str) -> object:
    """What a document says. Raises yaml.YAMLError for what is none, or says too much."""
    loader = yaml.SafeLoader(text)
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
    """How many values a node says, each alias counted as all it stands for."""
    if id(node) not in known:
        known[id(node)] = MOST + 1  # until it is known: one that holds itself has no end
        if isinstance(node, yaml.MappingNode):
            below = [one for pair in node.value for one in pair]
        else:
            below = node.value if isinstance(node, yaml.SequenceNode) else []
        known[id(node)] = 1 + sum(_size(one, known) for one in below)
    return known[id(node)]
