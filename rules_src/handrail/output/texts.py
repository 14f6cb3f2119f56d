"""Generated files by path, in the order of their paths, each kept compressed until it is read.

Generated texts are repetitive: ten thousand guardrails are half a gigabyte, and a twentieth of that compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, MutableMapping

_QUICK = 1


class Texts(MutableMapping[str, str]):
    """path → text."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self._packed: dict[str, bytes] = {}
        self.update(files or {})

    def __getitem__(self, path: str) -> str:
        return zlib.decompress(self._packed[path]).decode()

    def __setitem__(self, path: str, text: str) -> None:
        self._packed[path] = zlib.compress(text.encode(), _QUICK)

    def put(self, folder: str, texts: Texts) -> None:
        """Take over all of `texts`, each with `folder` before its path."""
        self._packed |= {f"{folder}{path}": packed for path, packed in texts._packed.items()}

    def __delitem__(self, path: str) -> None:
        del self._packed[path]

    def __contains__(self, path: object) -> bool:
        return path in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._packed))

    def __len__(self) -> int:
        return len(self._packed)
