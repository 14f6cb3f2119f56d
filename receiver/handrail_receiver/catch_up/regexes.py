"""A regular expression that others wrote → whether it matches a whole text, in linear time.

Alertmanager's and Prometheus' patterns are RE2's. Python's own `re` reads most of them, and takes hours over some.
"""

from __future__ import annotations

import functools
from typing import Any

MEMORY = 1 << 18


def fits(pattern: str, text: str) -> bool | None:
    """Whether `pattern` matches all of `text`; None for an invalid pattern, or one that is too large."""
    compiled = _compiled(pattern)
    if compiled is None:
        return None
    return compiled.fullmatch(_whole(text)) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415  it takes 30 ms to load, and most receivers meet no pattern

    options = re2.Options()
    options.dot_nl, options.log_errors, options.max_mem = True, False, MEMORY
    try:
        return re2.compile(_whole(pattern), options)
    except re2.error:
        return None


def _whole(text: str) -> str:
    """`text` without half letters, which are none in any alphabet."""
    return text.encode(errors="replace").decode()
