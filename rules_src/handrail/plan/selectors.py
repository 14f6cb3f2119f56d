"""A series selector, and how a value is compared with a limit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Op(StrEnum):
    """How a value is compared with a limit: the alert fires while `value op limit`."""

    above = ">"
    at_least = ">="
    below = "<"
    at_most = "<="

    @property
    def is_upper(self) -> bool:
        """Whether it makes an upper limit: more is worse."""
        return self.startswith(">")

    @property
    def opposite(self) -> Op:
        """What holds exactly when this does not."""
        return {
            Op.above: Op.at_most,
            Op.at_least: Op.below,
            Op.below: Op.at_least,
            Op.at_most: Op.above,
        }[self]

    def breached(self, value: Decimal, limit: Decimal) -> bool:
        """Whether `value` breaches `limit`."""
        beyond = value > limit if self.is_upper else value < limit
        return beyond or (self.endswith("=") and value == limit)


_PLAIN = re.compile(r"[\w\-/ :]*")
"""What stands for itself at the beginning of a pattern."""
Matcher = tuple[str, str, str]
"""A label, an operator and a value."""


@dataclass(frozen=True)
class Selector:
    """A series selector: metric name and matchers as (label, operator, value)."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def where(self, *more: Matcher) -> Selector:
        """This selector with matchers added; one for the same label and operator replaces the old one."""
        new = {(label, op) for label, op, _ in more}
        return Selector(self.metric, tuple(m for m in self.matchers if m[:2] not in new) + more)

    def without(self, label: str) -> Selector:
        """This selector without its matchers on a label."""
        return Selector(self.metric, tuple(m for m in self.matchers if m[0] != label))

    @property
    def contradiction(self) -> str | None:
        """A label whose matchers contradict each other; None if a series can match them all."""
        for label, op, value in self.matchers:
            others = ((o, text) for name, o, text in self.matchers if name == label)
            if op == "=" and not all(_fits(value, other, text) for other, text in others):
                return label
            if op == "=~" and any(other == "=~" and _apart(value, text) for other, text in others):
                return label
        return None

    def suffixed(self, suffix: str) -> Selector:
        """The same with `_bucket`, `_count` or `_sum` appended to the metric's name."""
        return Selector(self.metric + suffix, self.matchers)

    def __str__(self) -> str:
        return written(self.metric, self.matchers)


def written(metric: str, matchers: Iterable[Matcher]) -> str:
    """A selector as PromQL has it."""
    inner = ",".join([f"{label}{op}{_quoted(value)}" for label, op, value in matchers])
    return f"{metric}{{{inner}}}" if inner else metric


def _fits(value: str, op: str, text: str) -> bool:
    """Whether a label value matches; a pattern that only Prometheus can parse is taken to match."""
    try:
        same = re.fullmatch(text, value) is not None if op.endswith("~") else value == text
    except re.error:
        return True
    return same != op.startswith("!")


def _apart(pattern: str, other: str) -> bool:
    """Whether no value matches both, as what they begin with shows; of any other two patterns nobody knows."""
    return not any(
        ours.startswith(theirs) or theirs.startswith(ours)
        for ours in _beginnings(pattern)
        for theirs in _beginnings(other)
    )


def _beginnings(pattern: str) -> list[str]:
    """What the values begin with that match; "" where that may be anything."""
    if "|" in pattern and any(special in pattern for special in "([\\"):
        return [""]
    return [_beginning(alternative) for alternative in pattern.split("|")]


def _beginning(pattern: str) -> str:
    rest = _PLAIN.sub("", pattern, count=1)
    text = pattern.removesuffix(rest)
    return text[:-1] if rest[:1] in ("*", "?", "{") else text


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
