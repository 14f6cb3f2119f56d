"""The nodes of an Alertmanager's configuration → its routes and inhibitions, and which alerts they take: yes, no, or nobody can say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from handrail.output.merging.yaml_nodes import entry, line_of, values
from handrail.plan.routing import Matcher

Known = Mapping[str, str]
"""What is known of an alert's labels: one that it does not have is empty, of one that is missing here nobody knows."""

_YES = ("true", "yes", "on", "y")
_MATCHER = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|[^\s=!~"{},]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^",]*?)\s*(?:,|$)'
)
_NOT_PYTHON = re.compile(r"\[\[:|\\[pPzQC]")
"""What Go's regular expressions have and Python's have not, or read in another way."""


@dataclass(frozen=True)
class Conditions:
    """What an alert must be; None where a matcher cannot be read."""

    matchers: tuple[Matcher, ...] | None

    def take(self, labels: Known) -> bool | None:
        """Whether they take an alert; None where that depends on what nobody knows."""
        if self.matchers is None:
            return None
        answers = [_fits(matcher, labels) for matcher in self.matchers]
        if False in answers:
            return False
        return None if None in answers else True

    def name(self, label: str) -> bool:
        """Whether one of them is about this label."""
        return self.matchers is not None and any(matcher.label == label for matcher in self.matchers)


@dataclass(frozen=True)
class TheirRoute:
    """One route of the tree."""

    node: yaml.MappingNode
    receiver: str
    conditions: Conditions
    goes_on: bool
    below: tuple[TheirRoute, ...]

    @property
    def line(self) -> int:
        """Where it is in the file."""
        return line_of(self.node)

    def paths(self, above: tuple[TheirRoute, ...] = ()) -> Iterator[tuple[TheirRoute, ...]]:
        """Every route of the tree below, itself included, each with those that lead to it, the root first."""
        yield (*above, self)
        for route in self.below:
            yield from route.paths((*above, self))


@dataclass(frozen=True)
class TheirInhibition:
    """While an alert fires that `source` takes, those are muted that `target` takes and that have the same `equal` labels."""

    line: int
    source: Conditions
    target: Conditions
    equal: tuple[str, ...]


def route_of(node: yaml.MappingNode, above: str = "") -> TheirRoute:
    """The route that a mapping is, with those below it; a receiver that it does not name is that of the one above."""
    said = values(node)
    receiver = str(said.get("receiver") or above)
    listed = entry(node, "routes")
    items = listed[1].value if listed and isinstance(listed[1], yaml.SequenceNode) else []
    return TheirRoute(
        node,
        receiver,
        _conditions(said, ""),
        str(said.get("continue", "")).lower() in _YES,
        tuple(route_of(item, receiver) for item in items if isinstance(item, yaml.MappingNode)),
    )


def inhibitions_of(top: yaml.MappingNode) -> Iterator[TheirInhibition]:
    """The inhibitions of the whole configuration."""
    listed = entry(top, "inhibit_rules")
    items = listed[1].value if listed and isinstance(listed[1], yaml.SequenceNode) else []
    for item in items:
        if isinstance(item, yaml.MappingNode):
            said = values(item)
            equal = said.get("equal")
            labels = tuple(map(str, equal)) if isinstance(equal, list) else ()
            yield TheirInhibition(
                line_of(item), _conditions(said, "source_"), _conditions(said, "target_"), labels
            )


def matchers_in(text: str) -> tuple[Matcher, ...] | None:
    """`severity="critical"`, or several with commas between them or in braces; None for what is none."""
    inside = text.strip().removeprefix("{").removesuffix("}").strip()
    matchers, at = [], 0
    while at < len(inside):
        match = _MATCHER.match(inside, at)
        if match is None:
            return None
        matchers.append(Matcher(_unquoted(match[1]), match[2], _unquoted(match[3])))
        at = match.end()
    return tuple(matchers) or None


def _conditions(said: Mapping[str, Any], side: str) -> Conditions:
    """In the way of today, and in the two that came before."""
    matchers = [
        Matcher(str(label), op, str(value or ""))
        for key, op in ((f"{side}match", "="), (f"{side}match_re", "=~"))
        for label, value in _pairs(said.get(key))
    ]
    written = said.get(f"{side}matchers") or []
    for text in [written] if isinstance(written, str) else written:
        parsed = matchers_in(str(text))
        if parsed is None:
            return Conditions(None)
        matchers += parsed
    return Conditions(tuple(matchers))


def _pairs(mapping: object) -> Iterable[tuple[object, object]]:
    return mapping.items() if isinstance(mapping, dict) else ()


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text.strip()
    escaped = {r"\"": '"', r"\n": "\n", r"\\": "\\"}
    return re.sub(r"\\.", lambda escape: escaped.get(escape[0], escape[0]), text[1:-1])


def _fits(matcher: Matcher, labels: Known) -> bool | None:
    if matcher.label not in labels:
        # Whatever the label is, it fits a condition that everything fits.
        return True if (matcher.op, matcher.value) == ("=~", ".*") else None
    if matcher.op.endswith("~") and _NOT_PYTHON.search(matcher.value):
        return None
    try:
        return matcher.fits(labels)
    except re.error:
        return None
