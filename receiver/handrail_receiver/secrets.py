"""A secret's name → its value, and any text → the same text with no value in it.

Values are read anew at each use, so that a rotated one counts from then on; every value ever read keeps being
redacted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from handrail.contract import Secret

from handrail_receiver.errors import Cause, Permanent

PREFIX = "HANDRAIL_SECRET_"
SHORTEST = 8


class Secrets:
    """The secrets folder (one file each, named as the secret) and, after it, `HANDRAIL_SECRET_<NAME>`."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._shapes: dict[str, str] = {}
        self._learn()

    def value(self, secret: Secret) -> str:
        """The value of `secret`, without space around it.

        Raises Permanent when there is none, or when it is too short to be told from ordinary text.
        """
        found = (
            self._from_folder(secret.name) or self._environment.get(PREFIX + secret.name.upper(), "").strip()
        )
        if not found:
            raise Permanent(
                Cause.missing, f"the secret {secret.name} is not there; {self._cure(secret.name)}"
            )
        if len(found) < SHORTEST:
            raise Permanent(
                Cause.invalid,
                f"the secret {secret.name} has fewer than {SHORTEST} characters and could not be kept out of "
                f"texts; make it longer",
            )
        self._note(secret.name, found)
        return found

    def redact(self, text: str) -> str:
        """`text` with every known value, in any shape it may take on the way, replaced by `[secret NAME]`."""
        for shape in sorted(self._shapes, key=len, reverse=True):
            text = text.replace(shape, f"[secret {self._shapes[shape]}]")
        return text

    def _learn(self) -> None:
        for name in self._names():
            value = self._from_folder(name) or self._environment.get(PREFIX + name.upper(), "").strip()
            if len(value) >= SHORTEST:
                self._note(name, value)

    def _names(self) -> Iterator[str]:
        if self._folder is not None and self._folder.is_dir():
            yield from (path.name for path in self._folder.iterdir() if path.is_file())
        yield from (
            name.removeprefix(PREFIX).lower() for name in self._environment if name.startswith(PREFIX)
        )

    def _from_folder(self, name: str) -> str:
        try:
            return (self._folder / name).read_text().strip() if self._folder is not None else ""
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise Permanent(
                Cause.refused, f"the secret {name} cannot be read ({type(error).__name__}); mend its file"
            ) from None

    def _note(self, name: str, value: str) -> None:
        for part in {value, *value.split()}:
            if len(part) >= SHORTEST:
                self._shapes.update(dict.fromkeys(_shapes(part), name))

    def _cure(self, name: str) -> str:
        variable = f"set {PREFIX}{name.upper()}"
        return f"write {self._folder / name} or {variable}" if self._folder is not None else variable


def _shapes(value: str) -> Iterator[str]:
    """How `value` may look in a URL, a JSON text, a repr, or alone in a base64 header."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield repr(value)[1:-1]
    yield base64.b64encode(value.encode()).decode()
