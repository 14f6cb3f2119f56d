"""A secret's name → its value, and any text → the same text with no value in it.

Values are read again at each use, so that a rotated one counts from then on; the last values of each name keep
being redacted.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

from handrail.contract import Secret

from handrail_receiver.errors import Cause, Permanent

PREFIX = "HANDRAIL_SECRET_"
SHORTEST = 8
KEPT = 20
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Secrets:
    """The secrets folder (one file each, named as the secret) and, after it, `HANDRAIL_SECRET_<NAME>`."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._seen: dict[str, list[str]] = {}
        self._shapes: list[tuple[str, str]] = []
        self._learn()

    def value(self, secret: Secret) -> str:
        """The value of `secret`, without space around it.

        Raises Permanent when there is none, or when it is too short to be told from ordinary text.
        """
        text = (
            self._from_folder(secret.name) or self._environment.get(PREFIX + secret.name.upper(), "").strip()
        )
        if not text:
            raise Permanent(
                Cause.missing, f"the secret {secret.name} is not there; {self._cure(secret.name)}"
            )
        return self._known(secret.name, f"the secret {secret.name}", text)

    def read(self, hidden: str | Path) -> str:
        """The secret of a login, which is given as itself or as the file that holds it; raises Permanent."""
        if isinstance(hidden, str):
            return self._known("login", "a secret that is in it", hidden.strip())
        try:
            text = hidden.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise Permanent(
                Cause.missing, f"{hidden} cannot be read ({why}); correct the path, or make it readable"
            ) from None
        return self._known(hidden.name, str(hidden), text)

    def _known(self, name: str, what: str, value: str) -> str:
        """`found`, redacted from now on as `name`."""
        if not value:
            raise Permanent(Cause.missing, f"{what} is empty; write the secret into it")
        if len(value) < SHORTEST:
            raise Permanent(
                Cause.invalid,
                f"{what} has fewer than {SHORTEST} characters and could not be kept out of texts; make it longer",
            )
        self._note(name, value)
        return value

    def redact(self, text: str) -> str:
        """`text` with every known value, in any shape it may take on the way, replaced by `[secret NAME]`."""
        for shape, name in self._shapes:
            text = text.replace(shape, f"[secret {name}]")
        return text

    def _learn(self) -> None:
        """Note all that is there; what cannot be read now is said when somebody asks for it."""
        for name in self._names():
            with suppress(Permanent):
                self.value(Secret(name))

    def _names(self) -> Iterator[str]:
        files = self._folder.iterdir() if self._folder is not None and self._folder.is_dir() else ()
        variables = (
            name.removeprefix(PREFIX).lower() for name in self._environment if name.startswith(PREFIX)
        )
        yield from filter(NAME.fullmatch, (*(file.name for file in files), *variables))

    def _from_folder(self, name: str) -> str:
        try:
            return (self._folder / name).read_text().strip() if self._folder is not None else ""
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise Permanent(
                Cause.refused, f"the secret {name} cannot be read ({type(error).__name__}); fix its file"
            ) from None

    def _note(self, name: str, value: str) -> None:
        """Redact `value` from now on, beside the last ones that `name` had; the longest shapes come first."""
        seen = self._seen.setdefault(name, [])
        if value not in seen:
            self._seen[name] = [*seen, value][-KEPT:]
            known = {
                shape: name
                for name, values in self._seen.items()
                for value in values
                for shape in _shapes(value)
            }
            self._shapes = sorted(known.items(), key=lambda shape: len(shape[0]), reverse=True)

    def _cure(self, name: str) -> str:
        variable = f"set {PREFIX}{name.upper()}"
        return f"write {self._folder / name} or {variable}" if self._folder is not None else variable


def _shapes(value: str) -> Iterator[str]:
    """How `value`, or one of several keys in it, may look in a URL, a JSON text, a repr or a base64 header."""
    for part in {value, *value.split()}:
        if len(part) >= SHORTEST:
            yield from (
                part,
                quote(part, safe=""),
                quote_plus(part),
                json.dumps(part)[1:-1],
                repr(part)[1:-1],
            )
            yield base64.b64encode(part.encode()).decode()
            yield from _inside_base64(part.encode())


def _inside_base64(value: bytes) -> Iterator[str]:
    """The letters that stand for `value` in the base64 of anything that holds it, `user:value` for one."""
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(value)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + value)[first:end].decode()
