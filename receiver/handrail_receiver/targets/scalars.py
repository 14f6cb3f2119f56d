"""A YAML scalar as it is written ↔ what its readers take it for.

Two kinds of readers are in use: of YAML 1.1 (PyYAML, Ruby) and of YAML 1.2's core schema (most of Go's). `off`, `22:22`,
`0777` and `1234e56` are different things to them, so only what means the same to both is taken for the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from handrail.contract import Scalar, Written
from yaml.constructor import SafeConstructor

CORE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"|~|null|Null|NULL"), "null"),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), "bool"),
    (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), "int"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), "float"),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), "float"),
)
"""How YAML 1.2's core schema tells what is not a text."""
PLAIN = re.compile(r"[\w.][\w./:+-]*")


class Unknown:
    """Something that is no JSON value, such as a date: like nothing else."""


def says(written: Written, value: Scalar | Written) -> bool:
    """Whether `found` is `value` to every reader.

    Of two that are written, quotes make no difference where both are texts; otherwise the letters count, because
    some read `1.10` as a number and some as a text.
    """
    readings = _readings(written)
    if not isinstance(value, Written):
        return all(same(reading, value) for reading in readings)
    wanted = _readings(value)
    texts = all(isinstance(reading, str) for reading in (*readings, *wanted))
    return written.text == value.text or (texts and len({*readings, *wanted}) == 1)


def written_as(value: Scalar | Written, *, style: str, quoted: bool) -> Iterator[str]:
    """How `value` may be written, best first: as it was, else in the way of the place (`style`).

    `quoted` is for JSON, where every text is in double quotes.
    """
    if isinstance(value, Written):
        yield value.text
        value = _readings(value)[0] if len({type(one) for one in _readings(value)}) == 1 else None
        if not isinstance(value, str):
            return
    if not isinstance(value, str):
        listed: str = yaml.safe_dump([value], default_flow_style=True)
        yield listed.strip()[1:-1]
        return
    double, single = json.dumps(value, ensure_ascii=False), "'" + value.replace("'", "''") + "'"
    plain = [value] if PLAIN.fullmatch(value) else []
    if quoted or style == '"':
        yield double
    elif style == "'":
        yield from (single, double)
    else:
        yield from (*plain, single, double)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same in JSON's sense: `true` is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _readings(written: Written) -> tuple[Any, Any]:
    """What readers of YAML 1.1 and 1.2 take it for."""
    try:
        document = yaml.compose(f"- {written.text}\n", Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return Unknown(), Unknown()
    items = document.value if isinstance(document, yaml.SequenceNode) else []
    if len(items) != 1 or not isinstance(items[0], yaml.ScalarNode):
        return Unknown(), Unknown()
    node = items[0]
    return _old(node), node.value if node.style else _core(node.value)


def _old(node: yaml.ScalarNode) -> Any:
    try:
        value = SafeConstructor().construct_document(node)
    except (yaml.YAMLError, ValueError):
        return Unknown()
    return value if isinstance(value, str | int | float | bool) or value is None else Unknown()


def _core(text: str) -> Any:
    kind = next((kind for pattern, kind in CORE if pattern.fullmatch(text)), "str")
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        case "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text
