"""A JSON document and a pointer (RFC 6901) → the value that stands there."""

from __future__ import annotations

import re
from typing import Any


def value_at(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer; raises LookupError when there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]*", name):
            document = document[int(name)]
        elif isinstance(document, dict):
            document = document[name]
        else:
            raise LookupError(name)
    return document
